//! A partial preprocessing from a recipe, flags or a saved run.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::size::{Resize, optional_size};
use super::{Antialias, ChannelOrder, Interpolation, Orientation, Preprocess, ValueRange};

/// Overrides for a [`Preprocess`]: the table `[preprocess]` of a recipe, or the flags of the command line. A field that
/// is `None` leaves the value unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessOverrides {
    /// Size of the resize. `"224x224"` and `"longest:224"` also set a crop of that size, unless `crop` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// `[height, width]` of the center crop; also one number for both, or `"224x224"`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "optional_size"
    )]
    pub crop: Option<[usize; 2]>,
    /// `nearest`, `bilinear`, `bicubic`, `lanczos` or `area`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
    /// `on` or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub antialias: Option<Antialias>,
    /// `rgb` or `bgr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_order: Option<ChannelOrder>,
    /// `unit` or `byte`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<ValueRange>,
    /// Subtracted from each channel; also one number for all.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_triple",
        serialize_with = "write_triple"
    )]
    pub mean: Option<[f32; 3]>,
    /// Divides each channel after the mean; also one number for all.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_divisor",
        serialize_with = "write_triple"
    )]
    pub std: Option<[f32; 3]>,
    /// `keep` or `apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
}

impl PreprocessOverrides {
    /// The preprocessing with these overrides.
    #[must_use]
    pub fn apply(&self, own: Preprocess) -> Preprocess {
        let asked = self.resize.and_then(Resize::crop);
        Preprocess {
            resize: self.resize.unwrap_or(own.resize),
            crop: self.crop.or(asked).unwrap_or(own.crop),
            interpolation: self.interpolation.unwrap_or(own.interpolation),
            antialias: self.antialias.unwrap_or(own.antialias),
            channels: own.channels,
            order: self.channel_order.unwrap_or(own.order),
            range: self.range.unwrap_or(own.range),
            mean: self.mean.unwrap_or(own.mean),
            std: self.std.unwrap_or(own.std),
            orientation: self.orientation.unwrap_or(own.orientation),
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Preprocess> for PreprocessOverrides {
    /// Overrides for every value but the number of channels, which the network determines.
    fn from(whole: Preprocess) -> Self {
        Self {
            resize: Some(whole.resize),
            crop: Some(whole.crop),
            interpolation: Some(whole.interpolation),
            antialias: Some(whole.antialias),
            channel_order: Some(whole.order),
            range: Some(whole.range),
            mean: Some(whole.mean),
            std: Some(whole.std),
            orientation: Some(whole.orientation),
        }
    }
}

fn read_triple<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[f32; 3]>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Numbers {
        One(f32),
        Three([f32; 3]),
        Other(de::IgnoredAny),
    }
    let numbers = match Numbers::deserialize(deserializer)? {
        Numbers::One(number) => [number; 3],
        Numbers::Three(numbers) => numbers,
        Numbers::Other(_) => return Err(de::Error::custom("expected one number or three")),
    };
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(Some(numbers))
    } else {
        Err(de::Error::custom("expected finite numbers"))
    }
}

fn read_divisor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[f32; 3]>, D::Error> {
    let numbers = read_triple(deserializer)?;
    if numbers.is_some_and(|numbers| numbers.iter().any(|number| *number <= 0.0)) {
        return Err(de::Error::custom("a standard deviation must be above 0"));
    }
    Ok(numbers)
}

/// Writes the digits of an f32, because TOML and JSON would show those of the f64 that it is converted to.
fn write_triple<S: Serializer>(
    numbers: &Option<[f32; 3]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let wide = |number: f32| number.to_string().parse().unwrap_or(f64::from(number));
    numbers
        .map(|numbers| numbers.map(wide))
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<PreprocessOverrides, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_takes_the_place_of_what_was() {
        let json = r#"{
            "resize": "224x320", "interpolation": "lanczos", "antialias": "on", "channel_order": "bgr",
            "range": "byte", "mean": 104, "std": [1, 2, 3], "orientation": "apply"
        }"#;
        let expected = Preprocess {
            resize: Resize::Exact([224, 320]),
            crop: [224, 320],
            interpolation: Interpolation::Lanczos,
            antialias: Antialias::On,
            channels: 1,
            order: ChannelOrder::Bgr,
            range: ValueRange::Byte,
            mean: [104.0; 3],
            std: [1.0, 2.0, 3.0],
            orientation: Orientation::Apply,
        };
        let found = read(json).unwrap();
        assert_eq!(found.apply(Preprocess::GREY), expected);
        assert_eq!(read("{}").unwrap().apply(expected), expected);
    }

    #[test]
    fn only_a_resize_that_says_the_whole_size_changes_the_crop() {
        let crop = |json: &str| read(json).unwrap().apply(Preprocess::IMAGENET).crop;
        assert_eq!(crop(r#"{ "resize": 64 }"#), [224, 224]);
        assert_eq!(crop(r#"{ "resize": "longest:64" }"#), [64, 64]);
        assert_eq!(crop(r#"{ "resize": "64x32" }"#), [64, 32]);
        assert_eq!(crop(r#"{ "resize": "64x32", "crop": 16 }"#), [16, 16]);
        assert_eq!(crop(r#"{ "crop": [16, 8] }"#), [16, 8]);
        assert_eq!(crop(r#"{ "crop": "16x8" }"#), [16, 8]);
    }

    #[test]
    fn a_whole_preprocessing_survives_writing_and_reading() {
        let whole = Preprocess {
            resize: Resize::Longest(96),
            antialias: Antialias::Off,
            ..Preprocess::CIFAR
        };
        let text = serde_json::to_string(&PreprocessOverrides::from(whole)).unwrap();
        assert!(text.contains("[0.4914,0.4822,0.4465]"), "{text}");
        assert_eq!(read(&text).unwrap().apply(Preprocess::IMAGENET), whole);
    }

    #[test]
    fn wrong_keys_and_values_are_errors() {
        for (json, named) in [
            (r#"{ "size": 3 }"#, "unknown field `size`"),
            (r#"{ "interpolation": "cubic" }"#, "bicubic"),
            (r#"{ "resize": "wide" }"#, "longest:224"),
            (r#"{ "mean": "grey" }"#, "one number or three"),
            (r#"{ "std": [1, 0, 1] }"#, "above 0"),
            (r#"{ "crop": 0 }"#, "from 1 to 8192"),
        ] {
            let message = read(json).unwrap_err();
            assert!(message.contains(named), "{json}: {message}");
        }
    }
}
