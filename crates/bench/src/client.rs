//! The smallest HTTP/1.1 client that keeps its connection: one request, one answer (RFC 9112).
//!
//! Knows how answers are framed. Must not know what is in them. A real client would cost more than what is measured.

use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, borrowed from the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(256 * 1024) })
    }

    /// Sends a whole request as made by [`request`], reads a whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.socket.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break head;
            }
        };
        let start = head + 4;
        let (status, length) = read_head(self.buffer.get(..head).unwrap_or_default())?;
        match length {
            Some(length) => {
                while self.buffer.len() < start + length {
                    self.more().await?;
                }
            }
            // Chunked; the pieces stay as they are, only the end is looked for.
            None => {
                while !self.buffer.ends_with(b"\r\n0\r\n\r\n") {
                    self.more().await?;
                }
            }
        }
        Ok(Answer { status, body: self.buffer.get(start..).unwrap_or_default() })
    }

    async fn more(&mut self) -> Result<()> {
        if self.socket.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection was closed in the middle of an answer");
        }
        Ok(())
    }
}

/// Status and Content-Length; no length for a chunked body.
fn read_head(head: &[u8]) -> Result<(u16, Option<usize>)> {
    let head = std::str::from_utf8(head).context("a head that is no text")?;
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status line")?;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok((status, Some(value.trim().parse()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok((status, None));
        }
    }
    bail!("an answer without Content-Length: {head}")
}

/// A request with a JSON body, ready to be sent again and again.
pub(crate) fn request(
    method: &str,
    path: &str,
    host: SocketAddr,
    bearer: Option<&str>,
    body: &str,
) -> Vec<u8> {
    let bearer = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::read_head;

    #[test]
    fn heads() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nContent-Length: 12";
        assert_eq!(read_head(head).unwrap(), (200, Some(12)));
        assert_eq!(read_head(b"HTTP/1.1 502 X\r\ntransfer-encoding: chunked").unwrap(), (502, None));
        assert!(read_head(b"HTTP/1.1 200 OK\r\nx: y").is_err());
        assert!(read_head(b"nonsense").is_err());
    }
}
