use crate::{Dims, LANES, Padding};

pub(crate) fn pack_padded(input: &[f32], dims: Dims, padding: Padding, output: &mut [f32]) {
    let (ph, pw) = (
        padding.top + dims.height + padding.bottom,
        padding.left + dims.width + padding.right,
    );
    output.fill(0.0);
    for n in 0..dims.batch {
        for c in 0..dims.channels {
            for y in 0..dims.height {
                for x in 0..dims.width {
                    output[(((n * dims.blocks() + c / LANES) * ph + y + padding.top) * pw
                        + x
                        + padding.left)
                        * LANES
                        + c % LANES] =
                        input[((n * dims.channels + c) * dims.height + y) * dims.width + x];
                }
            }
        }
    }
}

pub(crate) fn unpack_strided(
    input: &[f32],
    phase: Dims,
    output: &mut [f32],
    dims: Dims,
    stride: [usize; 2],
    offset: [usize; 2],
) {
    for n in 0..phase.batch {
        for c in 0..phase.channels {
            for y in 0..phase.height {
                for x in 0..phase.width {
                    output[((n * dims.channels + c) * dims.height + y * stride[0] + offset[0])
                        * dims.width
                        + x * stride[1]
                        + offset[1]] = input[(((n * phase.blocks() + c / LANES) * phase.height
                        + y)
                        * phase.width
                        + x)
                        * LANES
                        + c % LANES];
                }
            }
        }
    }
}
