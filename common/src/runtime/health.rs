//! `--health`: asks the worker that runs beside it, for places where there is no curl.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use super::arguments::Arguments;
use super::{Worker, listen_address};
use crate::config::Config;

/// More than the worker itself gives what it depends on.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks for `/readyz`. An answer that it is not ready is an error that says why.
pub(super) fn ask(worker: &Worker, arguments: &Arguments) -> anyhow::Result<()> {
    let (config, _) = Config::load(arguments.config.as_deref(), None)?;
    let address = reachable(listen_address(worker, &config)?);
    let answer = get(address, "/readyz").with_context(|| format!("the worker at {address} does not answer"))?;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("the answer of {address} is not HTTP"))?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{}", body.trim().replace('\n', "; "));
    }
    Ok(())
}

/// Who listens everywhere is asked here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
