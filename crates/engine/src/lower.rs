//! From Burn's recorded operations to our graph.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use burn::backend::ir::{
    ActivationOperationIr as Activate, BaseOperationIr as Base, FloatOperationIr as Float,
    ModuleOperationIr as Module, NumericOperationIr as Numeric, OperationIr, ScalarIr, TensorId,
    TensorIr,
};
use burn::tensor::TensorData;
use burn_zoo_graph::{Parameter, Recording};
use burn_zoo_kernels::{
    Activation, Binary, Conv2dSpec, PadCount, Padding, PoolSpec, Rounding, Unary,
};

use crate::ir::{Conv, Graph, Linear, Node, Norm, Numbers, Op, Part, ValueId};

/// The operations recorded of images of this shape as a graph, one node each. What has no node of
/// its own is [`Op::Foreign`] under Burn's name. The recorded numbers are given up one by one, so
/// that weights are not held twice.
pub(crate) fn lower(recording: Recording, shape: [usize; 4]) -> Graph {
    let Recording {
        operations,
        values: recorded,
        parameters,
        input: images,
        outputs,
    } = recording;
    let mut lowering = Lowering {
        recorded,
        parameters,
        graph: Graph::new(shape),
        values: HashMap::new(),
        constants: HashMap::new(),
    };
    let input = lowering.graph.input;
    lowering.values.insert(images, input);
    for operation in &operations {
        lowering.operation(operation);
    }
    let output = outputs.first();
    let output = output.and_then(|id| lowering.values.get(id).copied());
    lowering.graph.output = output.unwrap_or_else(|| {
        let constant = lowering.graph.value([]);
        let op = Op::Foreign("an output that is a parameter".to_owned());
        lowering.graph.nodes.push(Node::new(op, &[], &[constant]));
        constant
    });
    lowering.graph
}

struct Lowering {
    /// Numbers that no operation has read yet.
    recorded: BTreeMap<TensorId, TensorData>,
    parameters: HashMap<TensorId, Parameter>,
    graph: Graph,
    values: HashMap<TensorId, ValueId>,
    /// Numbers that an operation reads, by the tensor that holds them.
    constants: HashMap<TensorId, Numbers>,
}

/// What an operation becomes.
struct Lowered<'a> {
    op: Op,
    inputs: Vec<&'a TensorIr>,
    out: &'a TensorIr,
    /// The tensor that the layer is named after.
    weight: Option<&'a TensorIr>,
    fused: Vec<String>,
}

impl<'a> Lowered<'a> {
    fn new(op: Op, inputs: &[&'a TensorIr], out: &'a TensorIr) -> Option<Self> {
        Some(Self {
            op,
            inputs: inputs.to_vec(),
            out,
            weight: None,
            fused: Vec::new(),
        })
    }

    fn named(mut self, weight: &'a TensorIr) -> Option<Self> {
        self.weight = Some(weight);
        Some(self)
    }

    fn fused(mut self, bias: bool) -> Self {
        if bias {
            self.fused.push("bias".to_owned());
        }
        self
    }
}

impl Lowering {
    fn operation(&mut self, operation: &OperationIr) {
        if matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_)) {
            return;
        }
        // A parameter under another shape (a bias as a row) is still known.
        if let OperationIr::BaseFloat(Base::Reshape(reshape)) = operation
            && let Some(numbers) = self.numbers(&reshape.input)
        {
            self.constants.insert(reshape.out.id, numbers);
            return;
        }
        let lowered = self.node(operation);
        let known = lowered.filter(|lowered| {
            let known = |tensor: &&TensorIr| self.values.contains_key(&tensor.id);
            lowered.inputs.iter().all(known)
        });
        let Some(lowered) = known else {
            return self.foreign(operation);
        };
        let inputs: Vec<_> = lowered
            .inputs
            .iter()
            .map(|it| self.values[&it.id])
            .collect();
        let output = self.graph.value(dims(lowered.out));
        self.values.insert(lowered.out.id, output);
        self.graph.nodes.push(Node {
            name: lowered.weight.map_or_else(String::new, |it| self.name(it)),
            fused: lowered.fused,
            ..Node::new(lowered.op, &inputs, &[output])
        });
    }

    /// An operation that only Burn runs; its outputs exist so that what reads them is lowered.
    fn foreign(&mut self, operation: &OperationIr) {
        let inputs: Vec<_> = operation
            .inputs()
            .filter_map(|input| self.values.get(&input.id).copied())
            .collect();
        let mut outputs = Vec::new();
        for output in operation.outputs() {
            let value = self.graph.value(dims(output));
            self.values.insert(output.id, value);
            outputs.push(value);
        }
        let op = Op::Foreign(burns_name(operation));
        self.graph.nodes.push(Node::new(op, &inputs, &outputs));
    }

    fn node<'o>(&mut self, operation: &'o OperationIr) -> Option<Lowered<'o>> {
        match operation {
            OperationIr::Module(module) => self.module(module),
            OperationIr::BaseFloat(base) => self.base(base),
            OperationIr::NumericFloat(_, numeric) => self.numeric(numeric),
            OperationIr::Float(_, float) => self.float(float),
            OperationIr::Activation(activation) => match activation {
                Activate::Relu(it) => Lowered::new(Op::Unary(Unary::Relu), &[&it.input], &it.out),
                Activate::Sigmoid(it) => {
                    Lowered::new(Op::Unary(Unary::Sigmoid), &[&it.input], &it.out)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn module<'o>(&mut self, module: &'o Module) -> Option<Lowered<'o>> {
        match module {
            Module::Conv2d(it) if it.options.dilation == [1, 1] => {
                let [(top, bottom), (left, right)] = it.options.padding;
                let weight = &it.weight.shape;
                let conv = Conv {
                    spec: Conv2dSpec {
                        channels: [weight[1] * it.options.groups, weight[0]],
                        kernel: [weight[2], weight[3]],
                        stride: it.options.stride,
                        padding: Padding {
                            top,
                            left,
                            bottom,
                            right,
                        },
                        groups: it.options.groups,
                    },
                    weight: self.numbers(&it.weight)?,
                    bias: self.optional(it.bias.as_ref())?,
                    activation: Activation::Linear,
                };
                Lowered::new(Op::Conv(conv), &[&it.x], &it.out)?
                    .fused(it.bias.is_some())
                    .named(&it.weight)
            }
            Module::Linear(it) if it.x.shape.len() == 2 => {
                let linear = Linear {
                    features: [it.weight.shape[0], it.weight.shape[1]],
                    weight: self.numbers(&it.weight)?,
                    bias: self.optional(it.bias.as_ref())?,
                    activation: Activation::Linear,
                };
                Lowered::new(Op::Linear(linear), &[&it.x], &it.out)?
                    .fused(it.bias.is_some())
                    .named(&it.weight)
            }
            Module::BatchNorm(it) => {
                let [gamma, beta, mean, variance] =
                    [&it.gamma, &it.beta, &it.mean, &it.variance].map(|it| self.numbers(it));
                let norm = batch_norm([gamma?, beta?, mean?, variance?], number(it.epsilon));
                Lowered::new(Op::Norm(norm), &[&it.x], &it.out)?.named(&it.gamma)
            }
            Module::MaxPool2d(it) if it.dilation == [1, 1] => {
                let spec = pool(it.kernel_size, it.stride, it.padding, it.ceil_mode);
                pooled(spec, Op::MaxPool(spec), &it.x, &it.out)
            }
            Module::AvgPool2d(it) => {
                let spec = pool(it.kernel_size, it.stride, it.padding, it.ceil_mode);
                let count = if it.count_include_pad {
                    PadCount::Include
                } else {
                    PadCount::Exclude
                };
                pooled(spec, Op::AveragePool(spec, count), &it.x, &it.out)
            }
            Module::AvgPool1d(it) => {
                let size = it.kernel_size;
                let same = it.stride == 1
                    && size == 2 * it.padding + 1
                    && it.count_include_pad
                    && !it.ceil_mode;
                let op = Op::Part(Part::WindowMean(size));
                same.then(|| Lowered::new(op, &[&it.x], &it.out))?
            }
            Module::AdaptiveAvgPool2d(it) => {
                Lowered::new(Op::AdaptivePool(it.output_size), &[&it.x], &it.out)
            }
            _ => None,
        }
    }

    fn base<'o>(&mut self, base: &'o Base) -> Option<Lowered<'o>> {
        match base {
            Base::Reshape(it) => Lowered::new(Op::Reshape, &[&it.input], &it.out),
            Base::SwapDims(it) => {
                let op = Op::Part(Part::SwapAxes(it.dim1, it.dim2));
                Lowered::new(op, &[&it.input], &it.out)
            }
            Base::Cat(it) if it.dim == 1 && it.out.shape.len() == 4 => {
                let parts: Vec<_> = it.tensors.iter().collect();
                Lowered::new(Op::Concat, &parts, &it.out)
            }
            Base::Zeros(it) => Lowered::new(Op::Zeros, &[], &it.out),
            Base::Slice(it) if it.tensor.shape.len() == 4 => {
                let whole = |axis: usize| {
                    let size = it.tensor.shape[axis];
                    let Some(range) = it.ranges.get(axis) else {
                        return Some(1);
                    };
                    let end = range
                        .end
                        .map_or(Some(size), |end| usize::try_from(end).ok());
                    let step = usize::try_from(range.step).ok()?;
                    (range.start == 0 && end == Some(size)).then_some(step)
                };
                let [batch, channels, rows, columns] = [0, 1, 2, 3].map(whole);
                if (batch, channels) != (Some(1), Some(1)) {
                    return None;
                }
                // Windows of one pixel: every n-th one, exactly.
                let spec = pool([1, 1], [rows?, columns?], [0, 0], false);
                let op = Op::AveragePool(spec, PadCount::Exclude);
                pooled(spec, op, &it.tensor, &it.out)
            }
            _ => None,
        }
    }

    fn numeric<'o>(&mut self, numeric: &'o Numeric) -> Option<Lowered<'o>> {
        let scaled = |input: &'o TensorIr, out: &'o TensorIr, factor: f64, shift: f64| {
            Lowered::new(Op::Scale { factor, shift }, &[input], out)
        };
        match numeric {
            Numeric::MulScalar(it) => scaled(&it.lhs, &it.out, number(it.rhs), 0.0),
            Numeric::DivScalar(it) => scaled(&it.lhs, &it.out, number(it.rhs).recip(), 0.0),
            Numeric::AddScalar(it) => scaled(&it.lhs, &it.out, 1.0, number(it.rhs)),
            Numeric::SubScalar(it) => scaled(&it.lhs, &it.out, 1.0, -number(it.rhs)),
            Numeric::Neg(it) => scaled(&it.input, &it.out, -1.0, 0.0),
            Numeric::Add(it) => self.binary(Binary::Add, [&it.lhs, &it.rhs], &it.out),
            Numeric::Sub(it) => self.binary(Binary::Sub, [&it.lhs, &it.rhs], &it.out),
            Numeric::Mul(it) => self.binary(Binary::Mul, [&it.lhs, &it.rhs], &it.out),
            Numeric::Div(it) if it.lhs.shape == it.rhs.shape => {
                Lowered::new(Op::Part(Part::Divide), &[&it.lhs, &it.rhs], &it.out)
            }
            _ => None,
        }
    }

    fn float<'o>(&mut self, float: &'o Float) -> Option<Lowered<'o>> {
        match float {
            Float::Tanh(it) => Lowered::new(Op::Unary(Unary::Tanh), &[&it.input], &it.out),
            Float::PowfScalar(it) => {
                let op = Op::Part(Part::Power(number(it.rhs)));
                Lowered::new(op, &[&it.lhs], &it.out)
            }
            Float::Matmul(it) if it.lhs.shape.len() == 2 => {
                let linear = Linear {
                    features: [it.rhs.shape[0], it.rhs.shape[1]],
                    weight: self.numbers(&it.rhs)?,
                    bias: None,
                    activation: Activation::Linear,
                };
                Lowered::new(Op::Linear(linear), &[&it.lhs], &it.out)?.named(&it.rhs)
            }
            _ => None,
        }
    }

    /// Of two values, or of one and a known number per channel.
    fn binary<'o>(
        &mut self,
        binary: Binary,
        [lhs, rhs]: [&'o TensorIr; 2],
        out: &'o TensorIr,
    ) -> Option<Lowered<'o>> {
        let (value, known) = if self.values.contains_key(&lhs.id) {
            (lhs, rhs)
        } else {
            (rhs, lhs)
        };
        if self.values.contains_key(&known.id) {
            let same = lhs.shape == rhs.shape;
            return same.then(|| Lowered::new(Op::Binary(binary), &[lhs, rhs], out))?;
        }
        let channels = *value.shape.get(1)?;
        let elements: usize = known.shape.iter().product();
        let per_channel = value.shape == out.shape
            && known.shape.len() == value.shape.len()
            && known.shape[1] == channels
            && elements == channels;
        let numbers = self.numbers(known).filter(|_| per_channel)?;
        let (ones, zeros): (Numbers, Numbers) =
            (vec![1.0; channels].into(), vec![0.0; channels].into());
        let (scale, shift, origin) = match binary {
            Binary::Add => (ones, numbers, "bias"),
            Binary::Mul => (numbers, zeros, "scale"),
            _ => return None,
        };
        let norm = Norm {
            scale,
            shift,
            origin,
            then: None,
        };
        Lowered::new(Op::Norm(norm), &[value], out)
    }

    fn optional(&mut self, tensor: Option<&TensorIr>) -> Option<Option<Numbers>> {
        tensor
            .map(|tensor| self.numbers(tensor))
            .map_or(Some(None), |it| it.map(Some))
    }

    /// The values of a tensor that was there before anything ran.
    fn numbers(&mut self, tensor: &TensorIr) -> Option<Numbers> {
        if let Some(numbers) = self.constants.get(&tensor.id) {
            return Some(Arc::clone(numbers));
        }
        let data = self.recorded.remove(&tensor.id)?;
        let numbers: Numbers = match data.as_slice::<f32>() {
            Ok(numbers) => numbers.into(),
            Err(_) if data.dtype().is_float() => data.iter::<f32>().collect(),
            Err(_) => return None,
        };
        self.constants.insert(tensor.id, Arc::clone(&numbers));
        Some(numbers)
    }

    /// The path of the layer that a parameter belongs to.
    fn name(&self, weight: &TensorIr) -> String {
        let Some(parameter) = self.parameters.get(&weight.id) else {
            return String::new();
        };
        let path = parameter
            .path
            .rsplit_once('.')
            .map_or("", |(layer, _)| layer);
        // The facade's enum puts its variant's name before the path.
        match path.split_once('.') {
            Some((variant, rest)) if variant.starts_with(char::is_uppercase) => rest.to_owned(),
            _ => path.to_owned(),
        }
    }
}

fn dims(tensor: &TensorIr) -> Vec<usize> {
    tensor.shape.iter().copied().collect()
}

fn number(scalar: ScalarIr) -> f64 {
    scalar.elem()
}

fn pool(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil: bool) -> PoolSpec {
    PoolSpec {
        kernel,
        stride,
        padding: Padding::symmetric(padding),
        rounding: if ceil {
            Rounding::Ceil
        } else {
            Rounding::Floor
        },
    }
}

/// A pooling operation whose windows are as many as Burn's, and none of them in the padding alone.
fn pooled<'o>(
    spec: PoolSpec,
    op: Op,
    input: &'o TensorIr,
    out: &'o TensorIr,
) -> Option<Lowered<'o>> {
    let size = spec.output_size([input.shape[2], input.shape[3]]);
    let same = size == [out.shape[2], out.shape[3]];
    let (padding, [rows, columns]) = (spec.padding, spec.kernel);
    let inside =
        padding.top.max(padding.bottom) < rows && padding.left.max(padding.right) < columns;
    (same && inside).then(|| Lowered::new(op, &[input], out))?
}

/// As one scale and one shift per channel (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2),
/// worked out in f64.
fn batch_norm([gamma, beta, mean, variance]: [Numbers; 4], epsilon: f64) -> Norm {
    let channels = 0..gamma.len();
    let factor = |c: usize| f64::from(gamma[c]) / (f64::from(variance[c]) + epsilon).sqrt();
    let shift = |c: usize| (f64::from(beta[c]) - f64::from(mean[c]) * factor(c)) as f32;
    Norm {
        scale: channels.clone().map(|c| factor(c) as f32).collect(),
        shift: channels.map(shift).collect(),
        origin: "batch norm",
        then: None,
    }
}

/// `Conv2d` of `Module(Conv2d(Conv2dOpIr { .. }))`.
fn burns_name(operation: &OperationIr) -> String {
    let text = format!("{operation:?}");
    let path = text.split('{').next().unwrap_or(&text);
    let names: Vec<_> = path.split('(').map(str::trim).collect();
    let name = match names[..] {
        [.., name, _] => name,
        _ => path.trim(),
    };
    name.rsplit([' ', ',']).next().unwrap_or(name).to_owned()
}
