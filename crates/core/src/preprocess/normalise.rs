//! From eight-bit pixels to the numbers that a network takes.

use super::pixels::Pixels;
use super::{ChannelOrder, Preprocess, ValueRange};

/// One plane a channel: scaled, less the mean, over the standard deviation. The single steps are
/// rounded to f32 as torchvision's are.
pub(super) fn planes(preprocess: &Preprocess, image: &Pixels, values: &mut Vec<f32>) {
    let white = match preprocess.range {
        ValueRange::Unit => 255.0,
        ValueRange::Byte => 1.0,
    };
    values.reserve(image.values.len());
    for channel in 0..image.channels {
        let stored = match preprocess.order {
            ChannelOrder::Rgb => channel,
            ChannelOrder::Bgr => image.channels - 1 - channel,
        };
        let (mean, std) = (preprocess.mean[channel], preprocess.std[channel]);
        let plane = image.values.iter().skip(stored).step_by(image.channels);
        values.extend(plane.map(|value| (f32::from(*value) / white - mean) / std));
    }
}
