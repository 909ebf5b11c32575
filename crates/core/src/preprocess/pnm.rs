//! PBM, PGM and PPM files with bits, bytes and words, as text and binary, scaled as in Pillow.
//!
//! The `image` crate reads these too, but scales maximum values other than 255 differently.

use super::pixels::Pixels;

/// Whether the bytes begin like one of the six variants.
pub(super) fn is_pnm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'1'..=b'6', next, ..] if is_space(*next) || *next == b'#')
}

/// Decodes the image. An error says why that is impossible. `most` limits its size in bytes.
pub(super) fn decode(bytes: &[u8], most: usize) -> Result<Pixels, String> {
    let kind = bytes[1];
    let mut header = Header { rest: &bytes[2..] };
    let (width, height) = (header.number("width")?, header.number("height")?);
    let channels = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
    let count = width
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(channels))
        .filter(|count| count.saturating_mul(3) <= most)
        .ok_or_else(|| format!("{width}x{height} pixels are too many"))?;
    if count == 0 {
        return Err(format!("it has no pixels ({width}x{height})"));
    }
    let maximum = match kind {
        b'1' | b'4' => 1,
        _ => header.number("maximum")?,
    };
    if !(1..=0xffff).contains(&maximum) {
        return Err(format!(
            "its maximum value is {maximum}, expected 1 to 65535"
        ));
    }
    let scale = Scale { maximum, channels };
    let values = match kind {
        b'1' => bits_as_text(header.rest, count)?,
        b'2' | b'3' => text(header.rest, count, &scale)?,
        b'4' => bits(header.rest, width, height),
        _ if maximum < 256 => {
            let bytes = header.rest.iter().take(count);
            bytes
                .map(|value| scale.eight(usize::from(*value)))
                .collect()
        }
        _ => {
            let words = header.rest.chunks_exact(2).take(count);
            words
                .map(|word| scale.eight(usize::from(u16::from_be_bytes([word[0], word[1]]))))
                .collect()
        }
    };
    if values.len() < count {
        return Err(format!(
            "the file is cut off ({} of {count} values)",
            values.len()
        ));
    }
    Ok(Pixels::new(height, width, channels, values))
}

/// The value of white in the file.
struct Scale {
    maximum: usize,
    channels: usize,
}

impl Scale {
    /// Scales a value to eight bits. Pillow treats gray with a maximum above 255 as 16-bit, and `convert("RGB")` clips it
    /// at 255. Halves are rounded to even, as in Python.
    fn eight(&self, value: usize) -> u8 {
        let white = if self.channels == 1 && self.maximum > 255 {
            65_535.0
        } else {
            255.0
        };
        let scaled = value as f64 / self.maximum as f64 * white;
        scaled.round_ties_even().min(255.0) as u8
    }
}

struct Header<'a> {
    rest: &'a [u8],
}

impl Header<'_> {
    /// Reads the next number and the one whitespace character after it.
    fn number(&mut self, what: &str) -> Result<usize, String> {
        let mut digits = String::new();
        while let [first, after @ ..] = self.rest {
            self.rest = after;
            match first {
                b'#' => {
                    let end = after.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.rest = end.map_or(&[], |end| &after[end + 1..]);
                }
                byte if is_space(*byte) && digits.is_empty() => {}
                byte if is_space(*byte) => break,
                byte if digits.len() < 10 => digits.push(char::from(*byte)),
                _ => break,
            }
        }
        digits
            .parse()
            .map_err(|_| format!("its header has no {what} (\"{}\")", digits.escape_default()))
    }
}

/// White bits are zeros; each row begins at a new byte.
fn bits(bytes: &[u8], width: usize, height: usize) -> Vec<u8> {
    let rows = bytes.chunks_exact(width.div_ceil(8)).take(height);
    let white = |row: &[u8], x: usize| {
        if row[x / 8] << (x % 8) & 0x80 == 0 {
            255
        } else {
            0
        }
    };
    rows.flat_map(|row| (0..width).map(move |x| white(row, x)))
        .collect()
}

/// Digits need no whitespace between them.
fn bits_as_text(bytes: &[u8], count: usize) -> Result<Vec<u8>, String> {
    let value = |byte: u8| match byte {
        b'0' => Ok(255),
        b'1' => Ok(0),
        other => Err(format!("{:?} is not a bit", char::from(other))),
    };
    let digits = without_comments(bytes).into_iter();
    digits
        .filter(|byte| !is_space(*byte))
        .take(count)
        .map(value)
        .collect()
}

fn text(bytes: &[u8], count: usize, scale: &Scale) -> Result<Vec<u8>, String> {
    let value = |token: &[u8]| {
        let number = std::str::from_utf8(token)
            .ok()
            .and_then(|it| it.parse().ok());
        match number {
            Some(value) if value <= scale.maximum => Ok(scale.eight(value)),
            _ => Err(format!(
                "\"{}\" is not a value from 0 to {}",
                token[..token.len().min(10)].escape_ascii(),
                scale.maximum
            )),
        }
    };
    let bytes = without_comments(bytes);
    let tokens = bytes.split(|byte| is_space(*byte));
    tokens
        .filter(|token| !token.is_empty())
        .take(count)
        .map(value)
        .collect()
}

fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let mut inside = false;
    let kept = bytes.iter().filter(|byte| {
        if inside {
            inside = !matches!(byte, b'\n' | b'\r');
            return false;
        }
        inside = **byte == b'#';
        !inside
    });
    kept.copied().collect()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bytes: &[u8]) -> Result<Vec<u8>, String> {
        assert!(is_pnm(bytes));
        decode(bytes, 1 << 20).map(|pixels| pixels.values().to_vec())
    }

    #[test]
    fn values_are_pillows() {
        // list(Image.open(...).convert("RGB").get_flattened_data()) of Pillow 13.0.0, one channel of gray.
        for (bytes, expected) in [
            (
                &b"P1 3 2\n101\n0 1 # a comment\n0"[..],
                &[0, 255, 0, 255, 0, 255][..],
            ),
            (b"P2 # gray\n2 2 7\n0 1 3 7\n", &[0, 36, 109, 255]),
            (b"P2 3 1 1000 0 1 500", &[0, 66, 255]),
            (b"P3 1 1 10 0 5 10", &[0, 128, 255]),
            (
                b"P4 10 1 \xaa\x40",
                &[0, 255, 0, 255, 0, 255, 0, 255, 255, 0],
            ),
            (b"P5 2 1 100 \x00\x32", &[0, 128]),
            (b"P5 2 1 65535 \x00\x32\x01\x00", &[50, 255]),
            (b"P6 1 1 255 \x01\x02\x03rest", &[1, 2, 3]),
            (b"P6 1 1 65535 \x01\x02\x80\x00\xff\xff", &[1, 128, 255]),
        ] {
            assert_eq!(values(bytes).unwrap(), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (bytes, reason) in [
            (&b"P6 2 2 255 \x01\x02\x03"[..], "cut off (3 of 12 values)"),
            (b"P5 0 2 255 ", "no pixels (0x2)"),
            (b"P5 2 x 255 ", "no height (\"x\")"),
            (b"P5 2 2 70000 ", "maximum value is 70000"),
            (b"P5 99999999 99999999 255 ", "too many"),
            (b"P2 1 1 5 6", "not a value from 0 to 5"),
            (b"P1 1 1 2", "not a bit"),
            (b"P2 ", "no width"),
        ] {
            let message = values(bytes).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }
}
