//! What a forward pass computes: a list of nodes between values, in an order in which they can run.

use std::fmt;
use std::sync::Arc;

use burn_zoo_kernels::{
    Activation, Binary, Conv2dSpec, Dims, PadCount, PoolSpec, ResponseNorm, Unary,
};

/// Numbers that were known when the pass was recorded; shared, since passes copy nodes.
pub(crate) type Numbers = Arc<[f32]>;

/// Names one value of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ValueId(pub(crate) usize);

/// A forward pass.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) values: Vec<Value>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) input: ValueId,
    pub(crate) output: ValueId,
}

/// A tensor that exists while the graph runs.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// `[batch, channels, height, width]` or `[batch, features]`; others as recorded.
    pub(crate) shape: Vec<usize>,
    pub(crate) layout: Layout,
    pub(crate) home: Home,
}

/// How a value's numbers lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Layout {
    /// Row by row, as Burn has it.
    #[default]
    Plain,
    /// `[batch, ceil(channels / 16), height, width, 16]`.
    Blocked,
}

/// Where a value's numbers lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Home {
    /// In memory of its own.
    #[default]
    Own,
    /// In blocks of 16 channels of a joint value, from this one on.
    In(ValueId, usize),
    /// Number by number where another value lies.
    Same(ValueId),
}

/// One computation.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    /// Path of the layer in the module, where it has parameters.
    pub(crate) name: String,
    /// What other recorded operations it took in, for the reader of a plan.
    pub(crate) fused: Vec<String>,
}

/// What a node computes of its inputs.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// `activation(convolution(x) + residual)`; a second input is the residual. Several outputs
    /// share its channels in order.
    Conv(Conv),
    /// `activation(x weight + bias)` of `[batch, in]`, weight `[in, out]`.
    Linear(Linear),
    /// `scale * x + shift`, one of each per channel.
    Norm(Norm),
    /// `factor * x + shift`.
    Scale {
        factor: f64,
        shift: f64,
    },
    MaxPool(PoolSpec),
    AveragePool(PoolSpec, PadCount),
    /// The mean of each cell of an even grid, `[height, width]`.
    AdaptivePool([usize; 2]),
    /// The mean over all pixels, to `[batch, channels]` row by row.
    GlobalPool,
    Unary(Unary),
    Binary(Binary),
    /// `a * gate + b * (1 - gate)` of `a, gate, b`.
    Gate,
    ResponseNorm(ResponseNorm),
    /// Joins along the channels.
    Concat,
    /// Copies its input into its output from this channel on.
    Place {
        first: usize,
    },
    Zeros,
    /// The same numbers, row by row, under another shape.
    Reshape,
    /// Row by row to blocks.
    Pack,
    /// Blocks to row by row.
    Unpack,
    /// A part of the pattern that a pass looks for; nothing runs it as it is.
    Part(Part),
    /// Nothing here runs it.
    Foreign(String),
}

/// What Burn records of a local response norm, besides reshapes and scaling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// Exchanges two axes.
    SwapAxes(usize, usize),
    /// The mean of an odd window along the last axis, padded with zeros that count.
    WindowMean(usize),
    /// To a power.
    Power(f64),
    /// One value by another.
    Divide,
}

/// A convolution with what is done before its only store.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    pub(crate) spec: Conv2dSpec,
    /// `[out, in / groups, height, width]`.
    pub(crate) weight: Numbers,
    /// `[out]`.
    pub(crate) bias: Option<Numbers>,
    pub(crate) activation: Activation,
}

/// A dense layer.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// `[in, out]`.
    pub(crate) features: [usize; 2],
    pub(crate) weight: Numbers,
    pub(crate) bias: Option<Numbers>,
    pub(crate) activation: Activation,
}

/// One scale and one shift per channel.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) scale: Numbers,
    pub(crate) shift: Numbers,
    /// What was recorded: a batch norm, a bias, a scale.
    pub(crate) origin: &'static str,
    /// Applied after.
    pub(crate) then: Option<Unary>,
}

impl Op {
    /// A short word for it.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Conv(conv) => {
                let [height, width] = conv.spec.kernel;
                format!("conv {height}x{width}")
            }
            Self::Linear(_) => "linear".to_owned(),
            Self::Norm(_) => "norm".to_owned(),
            Self::Scale { .. } => "scale".to_owned(),
            Self::MaxPool(spec) => format!("max pool {}x{}", spec.kernel[0], spec.kernel[1]),
            Self::AveragePool(spec, _) if spec.kernel == [1, 1] => "every n-th pixel".to_owned(),
            Self::AveragePool(spec, _) => {
                format!("average pool {}x{}", spec.kernel[0], spec.kernel[1])
            }
            Self::AdaptivePool(_) => "adaptive pool".to_owned(),
            Self::GlobalPool => "global pool".to_owned(),
            Self::Unary(Unary::Relu) => "relu".to_owned(),
            Self::Unary(Unary::Sigmoid) => "sigmoid".to_owned(),
            Self::Unary(Unary::Tanh) => "tanh".to_owned(),
            Self::Unary(other) => format!("{other:?}").to_lowercase(),
            Self::Binary(Binary::Add) => "add".to_owned(),
            Self::Binary(Binary::Sub) => "subtract".to_owned(),
            Self::Binary(Binary::Mul) => "multiply".to_owned(),
            Self::Binary(other) => format!("{other:?}").to_lowercase(),
            Self::Gate => "highway gate".to_owned(),
            Self::ResponseNorm(_) => "local response norm".to_owned(),
            Self::Concat => "concat".to_owned(),
            Self::Place { .. } => "copy channels".to_owned(),
            Self::Zeros => "zeros".to_owned(),
            Self::Reshape => "reshape".to_owned(),
            Self::Pack => "to blocks".to_owned(),
            Self::Unpack => "from blocks".to_owned(),
            Self::Part(part) => part.word().to_owned(),
            Self::Foreign(name) => name.clone(),
        }
    }
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::SwapAxes(..) => "SwapDims",
            Self::WindowMean(_) => "AvgPool1d",
            Self::Power(_) => "PowfScalar",
            Self::Divide => "Div",
        }
    }
}

/// Where each value is made and how often it is read.
#[derive(Debug)]
pub(crate) struct Index {
    /// The node that makes a value.
    pub(crate) maker: Vec<Option<usize>>,
    /// How many node inputs it is; being the graph's output counts too.
    pub(crate) readers: Vec<usize>,
}

impl Graph {
    /// Nothing but an input of this shape, which is the output too.
    pub(crate) fn new(input: impl Into<Vec<usize>>) -> Self {
        let mut graph = Self {
            values: Vec::new(),
            nodes: Vec::new(),
            input: ValueId(0),
            output: ValueId(0),
        };
        graph.value(input);
        graph
    }

    /// Adds a value.
    pub(crate) fn value(&mut self, shape: impl Into<Vec<usize>>) -> ValueId {
        self.values.push(Value {
            shape: shape.into(),
            layout: Layout::Plain,
            home: Home::Own,
        });
        ValueId(self.values.len() - 1)
    }

    /// Adds a node with one output of this shape.
    #[cfg(test)]
    pub(crate) fn node(
        &mut self,
        op: Op,
        inputs: &[ValueId],
        shape: impl Into<Vec<usize>>,
    ) -> ValueId {
        let output = self.value(shape);
        self.nodes.push(Node::new(op, inputs, &[output]));
        output
    }

    pub(crate) fn shape(&self, value: ValueId) -> &[usize] {
        &self.values[value.0].shape
    }

    pub(crate) fn layout(&self, value: ValueId) -> Layout {
        self.values[value.0].layout
    }

    /// Its size as images, if kernels take such ones; features are channels of one pixel.
    pub(crate) fn dims(&self, value: ValueId) -> Option<Dims> {
        let dims = match *self.shape(value) {
            [batch, channels, height, width] => Dims::new([batch, channels, height, width]),
            [batch, features] => Dims::new([batch, features, 1, 1]),
            _ => return None,
        };
        dims.fits().then_some(dims)
    }

    /// The value whose memory a value lies in, and its first block there.
    pub(crate) fn root(&self, mut value: ValueId) -> (ValueId, usize) {
        let mut block = 0;
        loop {
            match self.values[value.0].home {
                Home::Own => return (value, block),
                Home::In(joint, first) => (value, block) = (joint, block + first),
                Home::Same(other) => value = other,
            }
        }
    }

    pub(crate) fn index(&self) -> Index {
        let mut index = Index {
            maker: vec![None; self.values.len()],
            readers: vec![0; self.values.len()],
        };
        for (position, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                index.readers[input.0] += 1;
            }
            for output in &node.outputs {
                index.maker[output.0] = Some(position);
            }
        }
        index.readers[self.output.0] += 1;
        index
    }

    /// Puts a copy of the node `maker` in the place of the node `at`, which reads what it makes.
    /// The original is dead if nothing else reads it.
    pub(crate) fn absorb(&mut self, at: usize, maker: usize, part: &str) -> &mut Node {
        let mut node = self.nodes[maker].clone();
        let taken = &mut self.nodes[at];
        node.fused.append(&mut taken.fused);
        node.fused.push(part.to_owned());
        node.outputs.clone_from(&taken.outputs);
        *taken = node;
        taken
    }
}

impl Node {
    pub(crate) fn new(op: Op, inputs: &[ValueId], outputs: &[ValueId]) -> Self {
        Self {
            op,
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            name: String::new(),
            fused: Vec::new(),
        }
    }
}

/// One line per node: `%3 [1, 8, 4, 4] = conv 3x3 + batch norm (%1)`.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let list = |values: &[ValueId]| {
                let values: Vec<_> = values.iter().map(|it| format!("%{}", it.0)).collect();
                values.join(", ")
            };
            write!(f, "{}", list(&node.outputs))?;
            if let Some(output) = node.outputs.first() {
                write!(f, " {:?}", self.shape(*output))?;
            }
            write!(f, " = {}", node.op.word())?;
            for part in &node.fused {
                write!(f, " + {part}")?;
            }
            writeln!(f, " ({})", list(&node.inputs))?;
        }
        Ok(())
    }
}
