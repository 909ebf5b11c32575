//! Python's text encodings.

/// UTF-8 characters below 256 as bytes.
pub(super) fn latin1(utf8: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(utf8).ok()?;
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

/// `raw-unicode-escape`: Latin-1 with `\u0100` and `\U00010000`.
pub(super) fn unescape_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, after @ ..] = rest {
        let digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*first));
                rest = after;
                continue;
            }
        };
        let code = number(after.get(1..=digits)?)?;
        // A lone surrogate is not a character.
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &after[1 + digits..];
    }
    Some(text)
}

/// A quoted Python 2 string literal.
pub(super) fn unquote(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (quote, rest) = line.split_first()?;
    let inner = match rest.split_last()? {
        (last, inner) if last == quote && matches!(quote, b'\'' | b'"') => inner,
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (code, after) = after.split_first()?;
        rest = after;
        match code {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'x' => {
                bytes.push(number(after.get(..2)?)? as u8);
                rest = &after[2..];
            }
            b'0'..=b'7' => {
                let more = after
                    .iter()
                    .take(2)
                    .take_while(|b| matches!(b, b'0'..=b'7'));
                let more = more.count();
                let digits = after[..more].iter().map(|&digit| u32::from(digit - b'0'));
                let octal = digits.fold(u32::from(code - b'0'), |all, digit| all * 8 + digit);
                bytes.push(octal as u8);
                rest = &after[more..];
            }
            other => bytes.push(*other),
        }
    }
    Some(bytes)
}

fn number(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_python_is_decoded() {
        assert_eq!(latin1("a\u{ff}\u{80}".as_bytes()), Some(vec![97, 255, 128]));
        assert_eq!(latin1("\u{100}".as_bytes()), None);
        let text = unescape_unicode(b"a\\u0041\xe9\\U0001f600\\n");
        assert_eq!(text.as_deref(), Some("aA\u{e9}\u{1f600}\\n"));
        assert_eq!(unescape_unicode(b"\\u00"), None);
        let text = unquote(br"'a\n\x00\'\\\101'");
        assert_eq!(text.as_deref(), Some(&b"a\n\x00'\\A"[..]));
        assert_eq!(unquote(b"'a"), None);
        assert_eq!(unquote(b"'"), None);
        assert_eq!(unquote(br"'\'"), None);
    }
}
