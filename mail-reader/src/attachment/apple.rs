//! What Macintosh programs wrap files in: `AppleSingle` and `AppleDouble` (RFC 1740).

use crate::header;
use crate::structure::Part;

const SINGLE: &[u8] = &[0, 5, 0x16, 0];
const DATA_FORK: u32 = 1;
const REAL_NAME: u32 = 3;
/// Where the table of entries begins, and the size of one.
const TABLE: usize = 26;
const ENTRY: usize = 12;

/// Whether a part holds nothing but what a Macintosh keeps beside the file that comes after it.
pub(crate) fn is_resource_fork(part: &Part<'_>, leads_pair: bool) -> bool {
    leads_pair && part.media.is("application", "applefile")
}

/// The file within `AppleSingle`, with its name.
pub(crate) fn single(part: &Part<'_>, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    if !part.media.is("application", "applefile") || !bytes.starts_with(SINGLE) {
        return None;
    }
    let count = usize::from(u16::from_be_bytes(bytes.get(24..TABLE)?.try_into().ok()?));
    let entries = bytes.get(TABLE..)?.chunks_exact(ENTRY).take(count);
    let entry = |id: u32| {
        let number = |at: &[u8]| at.try_into().ok().map(u32::from_be_bytes);
        let found = entries.clone().find(|entry| number(&entry[..4]) == Some(id))?;
        let at = usize::try_from(number(&found[4..8])?).ok()?;
        let length = usize::try_from(number(&found[8..])?).ok()?;
        bytes.get(at..at.checked_add(length)?)
    };
    let data = entry(DATA_FORK)?;
    let name = part.file_name().map(str::to_owned).or_else(|| entry(REAL_NAME).map(header::raw));
    Some((name.unwrap_or_default(), data.to_vec()))
}
