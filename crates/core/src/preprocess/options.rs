//! The options of preprocessing, with the same words as in recipes and flags.

use serde::{Deserialize, Serialize};

/// Resampling filter of the resize, with Pillow's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// The triangle filter of two pixels.
    #[serde(alias = "Bilinear")]
    Bilinear,
    /// The cubic filter of four pixels (Keys 1981): a = -0.5 as in Pillow, or -0.75 without antialiasing, as in PyTorch.
    #[serde(alias = "Bicubic")]
    Bicubic,
    /// The windowed sinc of six pixels, Pillow's `LANCZOS`.
    Lanczos,
    /// The mean of the pixels that each new pixel covers, Pillow's `BOX`.
    #[serde(alias = "box")]
    Area,
}

/// Whether the filter widens when an image shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Antialias {
    /// It widens; the arithmetic is Pillow's.
    #[default]
    On,
    /// It does not widen. The arithmetic is that of `torch.nn.functional.interpolate` in f32, rounded to eight bits, as
    /// in torchvision on tensors with `antialias=False`. Only for nearest, bilinear and bicubic.
    Off,
}

/// Order of the channels of the tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[serde(alias = "Rgb")]
    Rgb,
    /// Blue, green, red, as in Caffe networks.
    #[serde(alias = "Bgr")]
    Bgr,
}

/// Values of black and white before mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueRange {
    /// 0 and 1.
    #[serde(alias = "Unit")]
    Unit,
    /// 0 and 255.
    #[serde(alias = "Byte")]
    Byte,
}

/// Whether to apply the orientation in a photograph's EXIF data.
///
/// A TIFF file is always turned upright, as in Pillow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// The pixels stay as stored, as in Pillow and torchvision.
    #[default]
    #[serde(alias = "Ignore")]
    Keep,
    /// The image is turned upright first.
    #[serde(alias = "Apply")]
    Apply,
}
