//! The flags that override a model's preprocessing one value at a time.

use burn_zoo_core::{ChannelOrder, Interpolation, Preprocess, ValueRange};
use clap::ValueEnum;

/// Largest side that is allowed; a larger one is a typing error that would only fill the memory.
const LARGEST: usize = 8192;

/// Overrides of the model's own preprocessing.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Preprocessing (default: the model's own)")]
pub(crate) struct PreprocessArgs {
    /// Length of the shorter side after resizing, in pixels
    #[arg(long, value_name = "PIXELS", value_parser = side)]
    resize: Option<usize>,
    /// Middle part that is kept, height and width or one number for both
    #[arg(long, value_name = "HxW", value_parser = size)]
    crop: Option<[usize; 2]>,
    /// Filter of the resizing
    #[arg(long)]
    interpolation: Option<Filter>,
    /// Subtracted from each channel, after the range: one number or R,G,B
    #[arg(long, value_name = "MEAN", value_parser = triple, allow_hyphen_values = true)]
    mean: Option<[f32; 3]>,
    /// Divides each channel after the mean: one number or R,G,B
    #[arg(long, value_name = "STD", value_parser = divisor)]
    std: Option<[f32; 3]>,
    /// Order of the channels
    #[arg(long)]
    channel_order: Option<Order>,
    /// Values of black and white: 0..1 (unit) or 0..255 (byte)
    #[arg(long)]
    range: Option<Range>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Filter {
    Bilinear,
    Bicubic,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    Rgb,
    Bgr,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Range {
    Unit,
    Byte,
}

impl PreprocessArgs {
    /// The preprocessing with what the flags say instead.
    pub(crate) fn apply(&self, own: Preprocess) -> Preprocess {
        Preprocess {
            resize: self.resize.unwrap_or(own.resize),
            crop: self.crop.unwrap_or(own.crop),
            interpolation: match self.interpolation {
                Some(Filter::Bilinear) => Interpolation::Bilinear,
                Some(Filter::Bicubic) => Interpolation::Bicubic,
                None => own.interpolation,
            },
            mean: self.mean.unwrap_or(own.mean),
            std: self.std.unwrap_or(own.std),
            order: match self.channel_order {
                Some(Order::Rgb) => ChannelOrder::Rgb,
                Some(Order::Bgr) => ChannelOrder::Bgr,
                None => own.order,
            },
            range: match self.range {
                Some(Range::Unit) => ValueRange::Unit,
                Some(Range::Byte) => ValueRange::Byte,
                None => own.range,
            },
            ..own
        }
    }
}

fn side(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(side @ 1..=LARGEST) => Ok(side),
        _ => Err(format!("expected a number of pixels from 1 to {LARGEST}")),
    }
}

/// `224x224` or `224`, height first.
pub(crate) fn size(text: &str) -> Result<[usize; 2], String> {
    match text.split_once(['x', 'X']) {
        Some((height, width)) => Ok([side(height)?, side(width)?]),
        None => side(text).map(|side| [side; 2]),
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
    use super::*;

    #[test]
    fn sizes_are_height_by_width() {
        assert_eq!(size("224x320"), Ok([224, 320]));
        assert_eq!(size("32"), Ok([32, 32]));
        for wrong in ["", "x", "0", "3x", "224x320x3", "-1", "99999"] {
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
