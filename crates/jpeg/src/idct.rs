//! The inverse DCT: libjpeg's accurate integer version, as its SIMD code computes it.
//!
//! It is the algorithm of Loeffler, Ligtenberg and Moschytz with 13 fractional bits. Values of intact
//! files always fit into 16 bits. Values of damaged files wrap and saturate as in libjpeg-turbo's SSE2
//! and AVX2 code, which Pillow's wheels run.

/// The rows of a block.
type Rows = [[i16; 8]; 8];

const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
const F_0_765: i32 = 6270;
const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12299;
const F_1_847: i32 = 15137;
const F_1_961: i32 = 16069;
const F_2_053: i32 = 16819;
const F_2_562: i32 = 20995;
const F_3_072: i32 = 25172;

/// Transforms dequantized coefficients to samples: rows of eight bytes, `stride` bytes apart.
/// `places` is the OR of the places of coefficients that may be nonzero (8 per row).
#[inline]
pub(crate) fn transform(
    block: &[i16; 64],
    places: u8,
    quant: &[i16; 64],
    out: &mut [u8],
    stride: usize,
) {
    if places == 0 {
        let dc = block[0].wrapping_mul(quant[0]).wrapping_shl(2);
        fill(
            sample((i32::from(dc) * (1 << 13) + (1 << 17)) >> 18),
            out,
            stride,
        );
        return;
    }
    let mut rows: Rows = [[0; 8]; 8];
    for ((row, coefficients), factors) in rows
        .iter_mut()
        .zip(block.chunks_exact(8))
        .zip(quant.chunks_exact(8))
    {
        for ((value, &c), &q) in row.iter_mut().zip(coefficients).zip(factors) {
            *value = c.wrapping_mul(q);
        }
    }
    if places < 8 {
        let first = rows[0].map(|v| v.wrapping_shl(2));
        rows = [first; 8];
    } else if places < 16 {
        rows = pass::<2, 11>(&rows);
    } else if places < 32 {
        rows = pass::<4, 11>(&rows);
    } else {
        rows = pass::<8, 11>(&rows);
    }
    // Whether any value of a column is outside -16384..16384.
    let mut large = [0i16; 8];
    for row in &rows {
        for (all, value) in large.iter_mut().zip(row) {
            *all |= value.wrapping_add(0x4000);
        }
    }
    if large.iter().all(|&lane| lane >= 0) {
        for (line, row) in out.chunks_mut(stride).zip(&rows) {
            store(&row_by_matrix(row), &mut line[..8]);
        }
    } else {
        // Sums of two may wrap, so compute step by step, like the columns.
        let rows = transpose(&pass::<8, 18>(&transpose(&rows)));
        for (line, row) in out.chunks_mut(stride).zip(&rows) {
            store(&row.map(i32::from), &mut line[..8]);
        }
    }
}

/// The OR of the places of nonzero coefficients, as precise as the transform needs.
pub(crate) fn places(block: &[i16; 64]) -> u8 {
    let any = |from: usize, to: usize| block[from..to].iter().fold(0, |all, &c| all | c) != 0;
    match () {
        () if any(32, 64) => 32,
        () if any(16, 32) => 16,
        () if any(8, 16) => 8,
        () => u8::from(any(1, 8)),
    }
}

#[inline(always)]
fn store(values: &[i32; 8], out: &mut [u8]) {
    for (byte, &value) in out.iter_mut().zip(values) {
        *byte = sample(value);
    }
}

#[inline(always)]
fn sample(value: i32) -> u8 {
    (value.clamp(-128, 127) + 128) as u8
}

fn fill(value: u8, out: &mut [u8], stride: usize) {
    for line in out.chunks_mut(stride).take(8) {
        line[..8].fill(value);
    }
}

fn transpose(rows: &Rows) -> Rows {
    std::array::from_fn(|x| rows.map(|row| row[x]))
}

/// The weights in the first four sums of even or odd inputs, with the weights of a pair of inputs next
/// to each other.
type Pairs = [i16; 8];

/// Inputs 0 and 4, 2 and 6, 1 and 3, 5 and 7.
const EVEN_04: Pairs = pairs([[8192, 8192], [8192, -8192], [8192, -8192], [8192, 8192]]);
const EVEN_26: Pairs = pairs([
    [F_0_541 + F_0_765, F_0_541],
    [F_0_541, F_0_541 - F_1_847],
    [-F_0_541, F_1_847 - F_0_541],
    [-F_0_541 - F_0_765, -F_0_541],
]);
const ODD_13: Pairs = pairs([
    [F_1_175 - F_0_390 + F_1_501 - F_0_899, F_1_175],
    [F_1_175, F_1_175 - F_1_961 + F_3_072 - F_2_562],
    [F_1_175 - F_0_390, F_1_175 - F_2_562],
    [F_1_175 - F_0_899, F_1_175 - F_1_961],
]);
const ODD_57: Pairs = pairs([
    [F_1_175 - F_0_390, F_1_175 - F_0_899],
    [F_1_175 - F_2_562, F_1_175 - F_1_961],
    [F_1_175 - F_0_390 + F_2_053 - F_2_562, F_1_175],
    [F_1_175, F_1_175 - F_1_961 + F_0_298 - F_0_899],
]);
const fn pairs(weights: [[i32; 2]; 4]) -> Pairs {
    let mut flat = [0; 8];
    let mut i = 0;
    while i < 8 {
        flat[i] = weights[i / 2][i % 2] as i16;
        i += 1;
    }
    flat
}

/// Four sums of products of a pair of inputs, which is one vector instruction.
#[inline(always)]
fn products(a: i16, b: i16, weights: &Pairs) -> [i32; 4] {
    let inputs = [a, b, a, b, a, b, a, b];
    let mut sums = [0; 4];
    for i in 0..4 {
        sums[i] = i32::from(inputs[2 * i]) * i32::from(weights[2 * i])
            + i32::from(inputs[2 * i + 1]) * i32::from(weights[2 * i + 1]);
    }
    sums
}

/// The transform of a row as a matrix product, which needs no transposition; it is exact, because
/// intermediate values are not rounded.
#[inline(always)]
fn row_by_matrix(row: &[i16; 8]) -> [i32; 8] {
    let even = products(row[0], row[4], &EVEN_04);
    let even2 = products(row[2], row[6], &EVEN_26);
    let odd = products(row[1], row[3], &ODD_13);
    let odd2 = products(row[5], row[7], &ODD_57);
    let mut sums = [0; 8];
    for i in 0..4 {
        let even = even[i] + even2[i] + (1 << 17);
        let odd = odd[i] + odd2[i];
        sums[i] = (even + odd) >> 18;
        sums[7 - i] = (even - odd) >> 18;
    }
    sums
}

/// One-dimensional transforms of all eight columns, of which only the first `N` rows may be
/// nonzero; results are rounded and shifted by `SHIFT`.
#[inline(always)]
fn pass<const N: usize, const SHIFT: u32>(rows: &Rows) -> Rows {
    let mut out = [[0; 8]; 8];
    for x in 0..8 {
        let row = |y: usize| if y < N { rows[y][x] } else { 0 };
        let wide = i32::from;
        // Even part.
        let (z2, z3) = (wide(row(2)), wide(row(6)));
        let t2 = z2 * F_0_541 + z3 * (F_0_541 - F_1_847);
        let t3 = z2 * (F_0_541 + F_0_765) + z3 * F_0_541;
        let t0 = wide(row(0).wrapping_add(row(4))) << 13;
        let t1 = wide(row(0).wrapping_sub(row(4))) << 13;
        let even = [
            t0.wrapping_add(t3),
            t1.wrapping_add(t2),
            t1.wrapping_sub(t2),
            t0.wrapping_sub(t3),
        ];
        // Odd part.
        let (o0, o1, o2, o3) = (row(7), row(5), row(3), row(1));
        let z3 = wide(o0.wrapping_add(o2));
        let z4 = wide(o1.wrapping_add(o3));
        let (o0, o1, o2, o3) = (wide(o0), wide(o1), wide(o2), wide(o3));
        let s3 = z3 * (F_1_175 - F_1_961) + z4 * F_1_175;
        let s4 = z3 * F_1_175 + z4 * (F_1_175 - F_0_390);
        let odd = [
            (o0 * -F_0_899 + o3 * (F_1_501 - F_0_899)).wrapping_add(s4),
            (o1 * -F_2_562 + o2 * (F_3_072 - F_2_562)).wrapping_add(s3),
            (o1 * (F_2_053 - F_2_562) + o2 * -F_2_562).wrapping_add(s4),
            (o0 * (F_0_298 - F_0_899) + o3 * -F_0_899).wrapping_add(s3),
        ];
        for i in 0..4 {
            let round = 1 << (SHIFT - 1);
            let sum = even[i].wrapping_add(odd[i]).wrapping_add(round) >> SHIFT;
            let difference = even[i].wrapping_sub(odd[i]).wrapping_add(round) >> SHIFT;
            out[i][x] = sum.clamp(-32768, 32767) as i16;
            out[7 - i][x] = difference.clamp(-32768, 32767) as i16;
        }
    }
    out
}
