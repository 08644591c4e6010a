//! Packed RTF (MS-OXRTFCP): runs are taken from a window of what came before, which begins with
//! what most RTF begins with.

const WINDOW: usize = 4096;
const HEADER: usize = 16;
const PACKED: &[u8] = b"LZFu";
const STORED: &[u8] = b"MELA";
const BEGINNING: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// The RTF, as far as it goes, at most so many bytes of it. The checksum is not looked at.
pub(super) fn unpack(packed: &[u8], longest: usize) -> Option<Vec<u8>> {
    let size = usize::try_from(super::mapi::number(packed.get(4..8)?)?).ok()?.min(longest);
    let (kind, rest) = (packed.get(8..12)?, packed.get(HEADER..)?);
    if kind == STORED {
        return Some(rest[..rest.len().min(size)].to_vec());
    }
    if kind != PACKED {
        return None;
    }
    let mut window = [b' '; WINDOW];
    window[..BEGINNING.len()].copy_from_slice(BEGINNING);
    let mut at = BEGINNING.len();
    let mut out = Vec::new();
    let mut input = rest.iter().copied();
    while let Some(control) = input.next() {
        for bit in 0..8 {
            let (mut from, length) = if control & (1 << bit) == 0 {
                let Some(byte) = input.next() else { return Some(out) };
                window[at] = byte;
                (at, 1)
            } else {
                let (Some(high), Some(low)) = (input.next(), input.next()) else { return Some(out) };
                (usize::from(high) << 4 | usize::from(low >> 4), usize::from(low & 15) + 2)
            };
            if length > 1 && from == at {
                return Some(out);
            }
            for _ in 0..length {
                if out.len() >= size {
                    return Some(out);
                }
                window[at] = window[from];
                out.push(window[from]);
                (at, from) = ((at + 1) % WINDOW, (from + 1) % WINDOW);
            }
        }
    }
    Some(out)
}
