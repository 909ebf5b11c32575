//! One step of a plan: a kernel with its packed weights, and where it reads and writes.

use burn_zoo_kernels::{
    Activation, Algorithm, Binary, Buffer, ConvWeights, Dims, Epilogue, Isa, PackedConv,
    PackedLinear, PadCount, PoolSpec, ResponseNorm, Rows, RowsMut, Unary, View, ViewMut,
    adaptive_average_pool, affine, average_pool, binary, copy_channels, gate, global_average_pool,
    max_pool, pack, response_norm, unary, unpack,
};

use crate::Precision;
use crate::ir::{Graph, Layout, Node, Numbers, Op, ValueId};
use crate::memory::{self, Memory};

/// Most values that one step reads or writes.
const MOST: usize = crate::passes::MOST_SIBLINGS;

/// What a step runs.
#[derive(Clone, Debug)]
pub(crate) enum Kernel {
    Conv(PackedConv, Activation),
    Linear(PackedLinear, Activation),
    Affine {
        scale: Numbers,
        shift: Numbers,
        then: Option<Unary>,
    },
    MaxPool(PoolSpec),
    AveragePool(PoolSpec, PadCount),
    AdaptivePool,
    GlobalPool,
    Unary(Unary),
    Binary(Binary),
    Gate,
    ResponseNorm(ResponseNorm),
    Place {
        first: usize,
    },
    Zeros,
    Pack,
    Unpack,
}

/// A kernel and its operands.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kernel: Kernel,
    pub(crate) reads: Vec<Place>,
    pub(crate) writes: Vec<Place>,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// None for the images.
    buffer: Option<usize>,
    /// Numbers of the whole memory that it lies in.
    len: usize,
    pub(crate) dims: Dims,
    layout: Layout,
    joint_blocks: usize,
    first_block: usize,
}

impl Place {
    pub(crate) fn of(graph: &Graph, memory: &Memory, value: ValueId) -> Self {
        let (root, first_block) = graph.root(value);
        let dims = graph.dims(value).expect("steps read images and rows");
        let joint = graph.dims(root).unwrap_or(dims);
        Self {
            buffer: memory.buffer(graph, value),
            len: memory::len(graph, root),
            dims,
            layout: graph.layout(value),
            joint_blocks: joint.blocks(),
            first_block,
        }
    }

    fn data<'a>(&self, images: &'a [f32], buffers: &'a [Buffer]) -> &'a [f32] {
        match self.buffer {
            Some(buffer) => &buffers[buffer][..self.len],
            None => images,
        }
    }

    fn view<'a>(&self, data: &'a [f32]) -> View<'a> {
        View::window(data, self.dims, self.joint_blocks, self.first_block)
    }

    fn view_mut<'a>(&self, data: &'a mut [f32]) -> ViewMut<'a> {
        let data = &mut data[..self.len];
        ViewMut::window(data, self.dims, self.joint_blocks, self.first_block)
    }

    /// One row per image, `[rows, numbers in each, from one to the next, first]`.
    fn rows_shape(&self) -> [usize; 4] {
        let rows = self.dims.batch;
        match self.layout {
            Layout::Plain => {
                let len = self.len / rows.max(1);
                [rows, len, len, 0]
            }
            Layout::Blocked => {
                let plane = self.dims.plane();
                let len = self.dims.blocks() * plane;
                [
                    rows,
                    len,
                    self.joint_blocks * plane,
                    self.first_block * plane,
                ]
            }
        }
    }

    fn rows<'a>(&self, data: &'a [f32]) -> Rows<'a> {
        let [rows, len, stride, start] = self.rows_shape();
        Rows::strided(data, rows, len, stride, start)
    }

    fn rows_mut<'a>(&self, data: &'a mut [f32]) -> RowsMut<'a> {
        let [rows, len, stride, start] = self.rows_shape();
        RowsMut::strided(&mut data[..self.len], rows, len, stride, start)
    }

    /// The numbers themselves, row by row.
    pub(crate) fn copy(&self, images: &[f32], buffers: &[Buffer]) -> Vec<f32> {
        self.data(images, buffers).to_vec()
    }
}

impl Kernel {
    /// Packs what a node needs.
    pub(crate) fn new(graph: &Graph, node: &Node, isa: Isa, precision: Precision) -> Self {
        let input = node.inputs.first().copied();
        match &node.op {
            Op::Conv(conv) => {
                let dims = input
                    .and_then(|it| graph.dims(it))
                    .expect("it reads an image");
                let threads = rayon::current_num_threads();
                let planar = input.is_some_and(|it| graph.layout(it) == Layout::Plain);
                let algorithm = match Algorithm::choose(&conv.spec, dims, threads) {
                    _ if planar => Algorithm::Planar,
                    Algorithm::Winograd if precision == Precision::Exact => Algorithm::Direct,
                    chosen => chosen,
                };
                let weights = ConvWeights {
                    weight: &conv.weight,
                    bias: conv.bias.as_deref(),
                    scale: 1.0,
                };
                let packed = PackedConv::new(isa, conv.spec, weights, algorithm);
                Self::Conv(packed, conv.activation)
            }
            Op::Linear(linear) => {
                let bias = linear.bias.as_deref();
                let packed = PackedLinear::new(isa, linear.features, &linear.weight, bias);
                Self::Linear(packed, linear.activation)
            }
            Op::Norm(norm) => Self::Affine {
                scale: norm.scale.clone(),
                shift: norm.shift.clone(),
                then: norm.then,
            },
            Op::Scale { factor, shift } => {
                let channels = input
                    .and_then(|it| graph.dims(it))
                    .map_or(0, |it| it.channels);
                Self::Affine {
                    scale: vec![*factor as f32; channels].into(),
                    shift: vec![*shift as f32; channels].into(),
                    then: None,
                }
            }
            Op::MaxPool(spec) => Self::MaxPool(*spec),
            Op::AveragePool(spec, count) => Self::AveragePool(*spec, *count),
            Op::AdaptivePool(_) => Self::AdaptivePool,
            Op::GlobalPool => Self::GlobalPool,
            Op::Unary(function) => Self::Unary(*function),
            Op::Binary(function) => Self::Binary(*function),
            Op::Gate => Self::Gate,
            Op::ResponseNorm(norm) => Self::ResponseNorm(*norm),
            Op::Place { first } => Self::Place { first: *first },
            Op::Zeros => Self::Zeros,
            Op::Pack => Self::Pack,
            Op::Unpack => Self::Unpack,
            Op::Concat | Op::Reshape | Op::Part(_) | Op::Foreign(_) => {
                unreachable!("{} is no step", node.op.word())
            }
        }
    }

    /// Bytes of packed weights.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Conv(conv, _) => conv.bytes(),
            Self::Linear(linear, _) => linear.bytes(),
            Self::Affine { scale, shift, .. } => size_of_val(&**scale) + size_of_val(&**shift),
            _ => 0,
        }
    }

    /// How it is computed, where there is a choice.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Conv(conv, _) => Some(conv.algorithm()),
            _ => None,
        }
    }
}

impl Step {
    /// Numbers of scratch memory that keep all threads busy.
    pub(crate) fn scratch(&self) -> usize {
        match &self.kernel {
            Kernel::Conv(conv, _) => {
                conv.scratch_len(self.reads[0].dims, rayon::current_num_threads())
            }
            _ => 0,
        }
    }

    /// Runs it. Nothing here allocates.
    pub(crate) fn run(
        &self,
        isa: Isa,
        images: &[f32],
        buffers: &mut [Buffer],
        scratch: &mut [f32],
    ) {
        // What is written leaves the others, so that both can be borrowed.
        let mut written: [Buffer; MOST] = Default::default();
        for (place, written) in self.writes.iter().zip(&mut written) {
            if let Some(buffer) = place.buffer {
                *written = std::mem::take(&mut buffers[buffer]);
            }
        }
        self.compute(isa, images, buffers, &mut written, scratch);
        for (place, written) in self.writes.iter().zip(written) {
            if let Some(buffer) = place.buffer {
                buffers[buffer] = written;
            }
        }
    }

    fn compute(
        &self,
        isa: Isa,
        images: &[f32],
        buffers: &[Buffer],
        [a, b, c, d]: &mut [Buffer; MOST],
        scratch: &mut [f32],
    ) {
        let data = |index: usize| self.reads[index].data(images, buffers);
        let view = |index: usize| self.reads[index].view(data(index));
        let rows = |index: usize| self.reads[index].rows(data(index));
        let to = &self.writes[0];
        match &self.kernel {
            Kernel::Conv(conv, activation) => {
                let epilogue = Epilogue {
                    residual: self.reads.get(1).map(|_| view(1)),
                    activation: *activation,
                };
                let mut run = |outputs: &mut [ViewMut<'_>]| match conv.algorithm() {
                    Algorithm::Planar => {
                        let dims = self.reads[0].dims;
                        conv.run_planar(data(0), dims, outputs, epilogue, scratch);
                    }
                    _ => conv.run(view(0), outputs, epilogue, scratch),
                };
                match &self.writes[..] {
                    [p] => run(&mut [p.view_mut(a)]),
                    [p, q] => run(&mut [p.view_mut(a), q.view_mut(b)]),
                    [p, q, r] => run(&mut [p.view_mut(a), q.view_mut(b), r.view_mut(c)]),
                    [p, q, r, s, ..] => {
                        run(&mut [p.view_mut(a), q.view_mut(b), r.view_mut(c), s.view_mut(d)])
                    }
                    [] => {}
                }
            }
            Kernel::Linear(linear, activation) => {
                linear.run(data(0), &mut a[..to.len], *activation);
            }
            Kernel::Affine { scale, shift, then } => {
                affine(isa, view(0), to.view_mut(a), scale, shift, *then);
            }
            Kernel::MaxPool(spec) => max_pool(isa, view(0), to.view_mut(a), spec),
            Kernel::AveragePool(spec, count) => {
                average_pool(isa, view(0), to.view_mut(a), spec, *count);
            }
            Kernel::AdaptivePool => adaptive_average_pool(isa, view(0), to.view_mut(a)),
            Kernel::GlobalPool => global_average_pool(isa, view(0), &mut a[..to.len]),
            Kernel::Unary(function) => {
                let blocked = (to.layout == Layout::Blocked).then_some(to.dims);
                unary(isa, *function, rows(0), to.rows_mut(a), blocked);
            }
            Kernel::Binary(function) => binary(isa, *function, rows(0), rows(1), to.rows_mut(a)),
            Kernel::Gate => gate(isa, rows(0), rows(1), rows(2), to.rows_mut(a)),
            Kernel::ResponseNorm(norm) => response_norm(isa, view(0), to.view_mut(a), norm),
            Kernel::Place { first } => copy_channels(view(0), to.view_mut(a), *first),
            Kernel::Zeros => {
                let [rows, len, stride, start] = to.rows_shape();
                for row in 0..rows {
                    a[start + row * stride..][..len].fill(0.0);
                }
            }
            Kernel::Pack => pack(isa, data(0), to.view_mut(a)),
            Kernel::Unpack => unpack(isa, view(0), &mut a[..to.len]),
        }
    }
}
