//! The target size of a resize.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Largest side in recipes and flags, in pixels. A larger one is a typo that would only exhaust memory.
const LARGEST: usize = 8192;

/// The target size of a resize, in pixels.
///
/// As text: `256` (shorter side), `224x224` (height x width) or `longest:224`. Recipes and JSON write the first as a
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Length of the shorter side; the longer one keeps the proportions, rounded down: torchvision's
    /// `Resize(256)`.
    Shorter(usize),
    /// `[height, width]`, ignoring the proportions: torchvision's `Resize((224, 224))`.
    Exact([usize; 2]),
    /// Length of the longer side; the shorter one keeps the proportions, rounded down, but is at least one pixel:
    /// torchvision's `Resize(None, max_size=224)`. The crop then pads both sides evenly with black.
    Longest(usize),
}

impl Resize {
    /// `[height, width]` of an image of this size after the resize.
    pub(super) fn of(self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self {
            Self::Exact(size) => size,
            Self::Shorter(size) => [height, width].map(|side| size * side / height.min(width)),
            Self::Longest(size) => {
                [height, width].map(|side| (size * side / height.max(width)).max(1))
            }
        }
    }

    /// The lengths in it.
    pub(super) fn sides(self) -> [usize; 2] {
        match self {
            Self::Exact(size) => size,
            Self::Shorter(side) | Self::Longest(side) => [side; 2],
        }
    }

    /// The least `[height, width]` of any image after the resize; `None` where that depends on the image, which is
    /// then padded.
    pub fn least(self) -> Option<[usize; 2]> {
        match self {
            Self::Longest(_) => None,
            Self::Shorter(_) | Self::Exact(_) => Some(self.sides()),
        }
    }

    /// The crop that a resize implies: the exact size, or the square of the longest side. `None` for the shorter side,
    /// which implies no crop.
    pub fn crop(self) -> Option<[usize; 2]> {
        match self {
            Self::Shorter(_) => None,
            Self::Exact(_) | Self::Longest(_) => Some(self.sides()),
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shorter(side) => write!(formatter, "{side}"),
            Self::Exact([height, width]) => write!(formatter, "{height}x{width}"),
            Self::Longest(side) => write!(formatter, "longest:{side}"),
        }
    }
}

impl FromStr for Resize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(longest) = text.strip_prefix("longest:") {
            return side(longest).map(Self::Longest);
        }
        if text.contains(['x', 'X', ',']) {
            return size(text).map(Self::Exact);
        }
        side(text).map(Self::Shorter).map_err(|reason| {
            format!("{reason} (the shorter side), HEIGHTxWIDTH such as 224x224, or longest:224")
        })
    }
}

/// `224x320` or `224`, height first.
///
/// # Errors
///
/// The expected form, if it is neither.
pub(super) fn size(text: &str) -> Result<[usize; 2], String> {
    match text.split_once(['x', 'X', ',']) {
        Some((height, width)) => Ok([side(height)?, side(width)?]),
        None => side(text).map(|side| [side; 2]),
    }
}

fn side(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(side @ 1..=LARGEST) => Ok(side),
        _ => Err(format!("expected a number of pixels from 1 to {LARGEST}")),
    }
}

impl Serialize for Resize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Shorter(side) => side.serialize(serializer),
            other => serializer.collect_str(other),
        }
    }
}

/// A size in a file: a number, text or a pair of numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(i64),
    Text(String),
    Pair([i64; 2]),
    Other(de::IgnoredAny),
}

impl Written {
    /// Parsed as in a flag.
    fn text<E: de::Error>(self, form: &str) -> Result<String, E> {
        match self {
            Self::Number(side) => Ok(side.to_string()),
            Self::Text(text) => Ok(text),
            Self::Pair([height, width]) => Ok(format!("{height}x{width}")),
            Self::Other(_) => Err(E::custom(format!("expected {form}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Resize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = "a number of pixels (the shorter side), \"224x224\" or \"longest:224\"";
        let text = Written::deserialize(deserializer)?.text::<D::Error>(form)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The crop of a recipe: a number, `[height, width]` or `"224x224"`.
pub(super) fn optional_size<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<[usize; 2]>, D::Error> {
    let form = "a number of pixels, [height, width] or \"224x224\"";
    let text = Written::deserialize(deserializer)?.text::<D::Error>(form)?;
    size(&text).map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_have_three_forms() {
        for (text, json, resize) in [
            ("256", "256", Resize::Shorter(256)),
            ("224x320", "\"224x320\"", Resize::Exact([224, 320])),
            ("longest:64", "\"longest:64\"", Resize::Longest(64)),
        ] {
            assert_eq!(text.parse(), Ok(resize));
            assert_eq!(resize.to_string(), text);
            assert_eq!(serde_json::to_string(&resize).unwrap(), json);
            assert_eq!(serde_json::from_str::<Resize>(json).unwrap(), resize);
        }
        assert_eq!(
            serde_json::from_str::<Resize>("[3, 4]").unwrap(),
            Resize::Exact([3, 4])
        );
        for wrong in [
            "",
            "x",
            "0",
            "3x",
            "224x320x3",
            "-1",
            "99999",
            "longest:",
            "longest:0",
        ] {
            let message = wrong.parse::<Resize>().unwrap_err();
            assert!(message.contains("from 1 to 8192"), "{wrong}: {message}");
        }
        for wrong in ["0", "-3", "1.5", "true", "[1]", "\"wide\""] {
            assert!(serde_json::from_str::<Resize>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_torchvisions() {
        // torchvision.transforms.v2: Resize(256), Resize((20, 30)) and Resize(None, max_size=224), of 333 x 500.
        let of = |resize: Resize| resize.of([333, 500]);
        assert_eq!(of(Resize::Shorter(256)), [256, 384]);
        assert_eq!(of(Resize::Exact([20, 30])), [20, 30]);
        assert_eq!(of(Resize::Longest(224)), [149, 224]);
        assert_eq!(Resize::Longest(8).of([1, 100]), [1, 8]);
    }
}
