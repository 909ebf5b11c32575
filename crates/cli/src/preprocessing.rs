//! The flags that override a model's preprocessing one value at a time.

use burn_zoo_core::{
    Antialias, ChannelOrder, Interpolation, Orientation, Preprocess, PreprocessOverrides, Resize,
    ValueRange,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use crate::failure::Usage;

/// Overrides of the model's own preprocessing.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Preprocessing (default: the model's own)")]
pub(crate) struct PreprocessArgs {
    /// Size after resizing: the shorter side (256), exact height and width (224x224), or the longer side (longest:224);
    /// the last two also set the crop, and the last one pads it with black
    #[arg(long, value_name = "N|HxW|longest:N")]
    resize: Option<Resize>,
    /// Size of the center crop: height and width, or one number for both
    #[arg(long, value_name = "HxW", value_parser = size)]
    crop: Option<[usize; 2]>,
    /// Resize filter, as in Pillow; area is Pillow's BOX
    #[arg(long, value_parser = words::<Interpolation>(&["nearest", "bilinear", "bicubic", "lanczos", "area"]))]
    interpolation: Option<Interpolation>,
    /// Whether the filter widens when an image shrinks: on, as in Pillow, or off, as in PyTorch's interpolate and
    /// OpenCV
    #[arg(long, value_parser = words::<Antialias>(&["on", "off"]))]
    antialias: Option<Antialias>,
    /// EXIF orientation: apply turns images upright; keep leaves pixels as stored, as Pillow and torchvision do
    #[arg(long, value_parser = words::<Orientation>(&["keep", "apply"]))]
    orientation: Option<Orientation>,
    /// Subtracted from each channel, after the range: one number or R,G,B
    #[arg(long, value_name = "MEAN", value_parser = triple, allow_hyphen_values = true)]
    mean: Option<[f32; 3]>,
    /// Divides each channel after the mean: one number or R,G,B
    #[arg(long, value_name = "STD", value_parser = divisor)]
    std: Option<[f32; 3]>,
    /// Order of the channels
    #[arg(long, value_parser = words::<ChannelOrder>(&["rgb", "bgr"]))]
    channel_order: Option<ChannelOrder>,
    /// Values of black and white: 0..1 (unit) or 0..255 (byte)
    #[arg(long, value_parser = words::<ValueRange>(&["unit", "byte"]))]
    range: Option<ValueRange>,
}

impl PreprocessArgs {
    /// The preprocessing with what the flags say instead.
    pub(crate) fn apply(&self, own: Preprocess) -> Result<Preprocess, Usage> {
        let overrides = PreprocessOverrides {
            resize: self.resize,
            crop: self.crop,
            interpolation: self.interpolation,
            antialias: self.antialias,
            channel_order: self.channel_order,
            range: self.range,
            mean: self.mean,
            std: self.std,
            orientation: self.orientation,
        };
        let preprocess = overrides.apply(own);
        preprocess.check().map_err(Usage)?;
        Ok(preprocess)
    }
}

/// Parses one of these words, which recipes use too.
fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| {
        let word: StrDeserializer<'_, WordError> = word.as_str().into_deserializer();
        T::deserialize(word)
    })
}

/// `224x224` or `224`, height first.
pub(crate) fn size(text: &str) -> Result<[usize; 2], String> {
    match text.parse() {
        Ok(Resize::Shorter(side)) => Ok([side; 2]),
        Ok(Resize::Exact(size)) => Ok(size),
        // The parser's own message offers forms that only a resize has.
        _ => Err("expected a number of pixels from 1 to 8192, or HEIGHTxWIDTH".to_owned()),
    }
}

fn triple(text: &str) -> Result<[f32; 3], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([one]) if one.is_finite() => Ok([*one; 3]),
        Ok([red, green, blue]) if [red, green, blue].iter().all(|value| value.is_finite()) => {
            Ok([*red, *green, *blue])
        }
        _ => Err("expected one number, or three with commas as 0.485,0.456,0.406".to_owned()),
    }
}

fn divisor(text: &str) -> Result<[f32; 3], String> {
    let values = triple(text)?;
    if values.iter().all(|value| *value > 0.0) {
        Ok(values)
    } else {
        Err("a standard deviation must be above 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        preprocessing: PreprocessArgs,
    }

    fn applied(flags: &[&str]) -> Result<Preprocess, String> {
        let flags = Flags::try_parse_from([&["program"], flags].concat());
        let flags = flags.map_err(|error| error.to_string())?;
        let applied = flags.preprocessing.apply(Preprocess::IMAGENET);
        applied.map_err(|Usage(reason)| reason)
    }

    #[test]
    fn flags_take_the_place_of_the_models_own() {
        let found = applied(&[
            "--resize=224x320",
            "--interpolation=nearest",
            "--antialias=off",
            "--orientation=apply",
            "--channel-order=bgr",
            "--range=byte",
            "--mean=104,117,123",
        ]);
        let expected = Preprocess {
            resize: Resize::Exact([224, 320]),
            crop: [224, 320],
            interpolation: Interpolation::Nearest,
            antialias: Antialias::Off,
            orientation: Orientation::Apply,
            order: ChannelOrder::Bgr,
            range: ValueRange::Byte,
            mean: [104.0, 117.0, 123.0],
            ..Preprocess::IMAGENET
        };
        assert_eq!(found, Ok(expected));
        assert_eq!(applied(&["--resize=64"]).unwrap().crop, [224, 224]);
        assert_eq!(applied(&["--resize=longest:64"]).unwrap().crop, [64, 64]);
    }

    #[test]
    fn what_cannot_be_is_said_before_any_image_is_read() {
        for (flags, named) in [
            (&["--resize=wide"][..], "longest:224"),
            (&["--interpolation=cubic"], "bicubic"),
            (
                &["--antialias=off", "--interpolation=area"],
                "nearest, bilinear or bicubic",
            ),
        ] {
            let message = applied(flags).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn sizes_are_height_by_width() {
        assert_eq!(size("224x320"), Ok([224, 320]));
        assert_eq!(size("32"), Ok([32, 32]));
        for wrong in ["", "x", "0", "3x", "224x320x3", "-1", "99999", "longest:3"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn means_are_one_or_three_numbers() {
        assert_eq!(triple("0.5"), Ok([0.5; 3]));
        assert_eq!(triple("104,117,-1"), Ok([104.0, 117.0, -1.0]));
        for wrong in ["", "a", "1,2", "nan", "1,2,3,4"] {
            assert!(triple(wrong).is_err(), "{wrong}");
        }
        assert!(divisor("0").is_err());
    }
}
