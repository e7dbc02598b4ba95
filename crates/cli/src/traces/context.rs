//! The header `traceparent`: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use toolvault_core::digest::from_hexadecimal;

/// The span of a caller elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    /// Whether the caller sends its own span.
    pub(super) is_sampled: bool,
}

impl Parent {
    /// `None` if the text is not exactly one of version 00.
    pub(super) fn read(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 55 || !text.bytes().all(is_plain) {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let flags = from_hexadecimal(flags)?;
        let parent = Self {
            trace: from_hexadecimal(trace)?.try_into().ok()?,
            span: from_hexadecimal(span)?.try_into().ok()?,
            is_sampled: flags.first()? & 1 == 1,
        };
        let is_valid = version == "00"
            && parts.next().is_none()
            && flags.len() == 1
            && parent.trace != [0; 16]
            && parent.span != [0; 8];
        is_valid.then_some(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_taken() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = Parent::read(text).unwrap();
        assert_eq!(parent.trace[..2], [0x0a, 0xf7]);
        assert_eq!(parent.span[..2], [0xb7, 0xad]);
        assert!(parent.is_sampled);
        assert!(
            !Parent::read(&text.replace("-01", "-00"))
                .unwrap()
                .is_sampled
        );
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-a",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-011",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
        ] {
            assert_eq!(Parent::read(wrong), None, "{wrong}");
        }
    }
}
