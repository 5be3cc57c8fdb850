//! A response body in pieces: what stands before a large text, the text, and what stands behind it.
//!
//! Knows bytes. Must not know what they say. The text is a slice of the provider's answer, so it goes out in one
//! vectored write with the rest and is never copied into an envelope.

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// From how many bytes on a text is not copied: for a short one a copy is cheaper than two more pieces to write.
const LARGE: usize = 8 * 1024;

/// What is still to be written, the last piece first.
struct Pieces(Vec<Bytes>);

/// The body `head`, `text`, `tail`.
pub(super) fn body(head: &'static [u8], text: Bytes, tail: Vec<u8>) -> Body {
    if text.len() >= LARGE {
        return Body::new(Pieces(vec![tail.into(), text, Bytes::from_static(head)]));
    }
    Body::from([head, &text, &tail].concat())
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn the_pieces_come_in_order_and_are_counted() {
        for length in [0, 1, LARGE - 1, LARGE, 3 * LARGE] {
            let text = Bytes::from(vec![b'x'; length]);
            let body = body(b"head ", text.clone(), b" tail".to_vec());
            assert_eq!(body.size_hint().exact(), Some(length as u64 + 10));
            let all = body.collect().await.unwrap().to_bytes();
            assert_eq!(all, [b"head ", text.as_ref(), b" tail"].concat());
        }
    }

    #[tokio::test]
    async fn a_large_text_is_not_copied() {
        let text = Bytes::from(vec![b'x'; LARGE]);
        let mut body = body(b"head", text.clone(), b"tail".to_vec());
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [4, LARGE, 4]);
        assert_eq!(pieces[1].as_ptr(), text.as_ptr());
    }
}
