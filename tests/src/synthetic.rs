//! `tools/reference/synthetic.py`, bit for bit: tensors made from their state-dict keys alone.

const PERIOD: usize = 4093;

fn fnv1a64(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A well-mixed number for each `state` (Steele, Lea and Flood 2014).
pub fn splitmix64(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Element `index` of the stream of a key, in `[0, 1)`.
fn unit(seed: u64, index: usize) -> f32 {
    (splitmix64(seed.wrapping_add(index as u64)) >> 40) as f32 / (1 << 24) as f32
}

/// The values of a float tensor.
///
/// # Panics
///
/// If there is no rule for the key.
pub fn weight(key: &str, shape: &[usize]) -> Vec<f32> {
    let seed = fnv1a64(key);
    let one: Box<dyn Fn(f32) -> f32> = if shape.len() >= 2 {
        let fan_in: usize = shape[1..].iter().product();
        let bound = (6.0 / fan_in as f64).sqrt() as f32;
        Box::new(move |u| (2.0 * u - 1.0) * bound)
    } else if key.ends_with("running_mean") {
        Box::new(|u| 0.2 * (2.0 * u - 1.0))
    } else if key.ends_with("running_var") || key.ends_with("weight") {
        Box::new(|u| 0.5 + u)
    } else if key.ends_with("bias") {
        Box::new(|u| 0.1 * (2.0 * u - 1.0))
    } else {
        panic!("no rule for {key} {shape:?}")
    };
    let count = shape.iter().product();
    (0..count)
        .map(|index| one(unit(seed, index % PERIOD)))
        .collect()
}

/// The input image.
pub fn image(count: usize) -> Vec<f32> {
    let seed = fnv1a64("input");
    (0..count)
        .map(|index| 2.0 * unit(seed, index) - 1.0)
        .collect()
}
