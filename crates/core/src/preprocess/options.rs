//! The choices that preprocessing is made of, each in the words of recipes and flags.

use serde::{Deserialize, Serialize};

/// Resampling filter of the resize, as Pillow names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The pixel that lies nearest.
    Nearest,
    /// The triangle of two pixels.
    #[serde(alias = "Bilinear")]
    Bilinear,
    /// The cubic of four pixels (Keys 1981): a = -0.5 as in Pillow, or -0.75 without antialiasing, as in PyTorch.
    #[serde(alias = "Bicubic")]
    Bicubic,
    /// The windowed sinc of six pixels, Pillow's `LANCZOS`.
    Lanczos,
    /// The mean of the pixels that each new one covers, Pillow's `BOX`.
    #[serde(alias = "box")]
    Area,
}

/// Whether the filter widens when an image shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Antialias {
    /// It does: the arithmetic is Pillow's.
    #[default]
    On,
    /// It does not: the arithmetic is that of `torch.nn.functional.interpolate` in f32, rounded to eight bits, which
    /// is torchvision's on tensors with `antialias=False`. For nearest, bilinear and bicubic only.
    Off,
}

/// Order of the channels of the tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[serde(alias = "Rgb")]
    Rgb,
    /// Blue, green, red, as Caffe's networks were trained.
    #[serde(alias = "Bgr")]
    Bgr,
}

/// What black and white become before mean and standard deviation.
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

/// What happens to the orientation in a photograph's EXIF data.
///
/// A TIFF file is always turned upright, because Pillow does so too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// Nothing: the pixels stay as stored, as Pillow and torchvision read them.
    #[default]
    #[serde(alias = "Ignore")]
    Keep,
    /// The image is turned upright first.
    #[serde(alias = "Apply")]
    Apply,
}
