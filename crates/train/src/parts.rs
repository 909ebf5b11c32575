//! Which parameters belong to which part of a network.

use std::collections::HashMap;

use burn::module::{Flag, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{Classifier, Error};

use crate::recipe::FineTune;
use crate::schedule::{Schedule, Steps};

/// What comes after the last stage.
const HEAD: &str = "head";
/// All stages.
const BACKBONE: &str = "backbone";

/// The parts of a network, in order, with the identifiers of their parameters, running statistics
/// and flags.
#[derive(Debug)]
pub(crate) struct Parts(Vec<(String, Vec<ParamId>)>);

impl Parts {
    /// A parameter belongs to the first stage whose map depends on it, as its gradients show, and
    /// to the head if none does. Running statistics and flags have no gradients and go with their
    /// norm.
    pub(crate) fn of<M: Classifier>(model: &M, device: &Device) -> Self {
        // With running statistics of its own, which this disturbs, and without gradient
        // checkpointing, which `train` does not bring back.
        let model = model.valid().train();
        let device = &device.clone().inner().autodiff();
        let input = model.input();
        let [height, width] = input.min_size;
        let images = Tensor::<4>::zeros([1, input.channels, height, width], device);
        let mut members = Members::default();
        model.visit(&mut members);

        let names = model.features(images.clone()).into_iter();
        let names: Vec<String> = names.map(|map| map.name.into_owned()).collect();
        let mut stage_of = HashMap::new();
        for stage in 0..names.len() {
            let map = model.features(images.clone()).swap_remove(stage).map;
            let gradients = GradientsParams::from_grads(map.sum().backward(), &model);
            let mut moved = Moved {
                gradients: &gradients,
                ids: Vec::new(),
            };
            model.visit(&mut moved);
            for id in moved.ids {
                stage_of.entry(id).or_insert(stage);
            }
        }
        let mut stage_of_layer = HashMap::new();
        for (layer, id) in &members.found {
            if let Some(&stage) = stage_of.get(id) {
                stage_of_layer.insert(layer.clone(), stage);
            }
        }
        let names = names.into_iter().chain([HEAD.to_owned()]);
        let mut parts: Vec<_> = names.map(|name| (name, Vec::new())).collect();
        let head = parts.len() - 1;
        for (layer, id) in members.found {
            let stage = stage_of.get(&id).or_else(|| stage_of_layer.get(&layer));
            parts[stage.copied().unwrap_or(head)].1.push(id);
        }
        Self(parts)
    }

    /// The parameters of a part, `backbone` included.
    fn ids(&self, key: &str, name: &str) -> Result<Vec<ParamId>, Error> {
        if name == BACKBONE {
            let stages = self.0.iter().filter(|(part, _)| part != HEAD);
            return Ok(stages.flat_map(|(_, ids)| ids.clone()).collect());
        }
        let part = self.0.iter().find(|(part, _)| part == name);
        let ids = part.map(|(_, ids)| ids.clone());
        ids.ok_or_else(|| {
            let known: Vec<_> = self.0.iter().map(|(part, _)| part.as_str()).collect();
            let reason = format!(
                "{key} names {name}, but the parts of this network are {}, and {BACKBONE} for all \
                 but {HEAD}",
                known.join(", ")
            );
            Error::Training { reason }
        })
    }

    /// The parameters that stay as they are.
    pub(crate) fn frozen(&self, settings: &FineTune) -> Result<ParamGroup, Error> {
        let mut frozen = Vec::new();
        for name in &settings.freeze {
            frozen.extend(self.ids("fine_tune.freeze", name)?);
        }
        let all = self.0.iter().flat_map(|(_, ids)| ids);
        if all.clone().all(|id| frozen.contains(id)) {
            let reason = "fine_tune.freeze leaves nothing to train".to_owned();
            return Err(Error::Training { reason });
        }
        Ok(ParamGroup::from_ids(frozen))
    }

    /// A schedule for each part that has a factor of its own, and one for the rest.
    pub(crate) fn schedules(
        &self,
        settings: &FineTune,
        schedule: &Schedule,
    ) -> Result<ModuleLrScheduler, Error> {
        let steps = |factor| Steps::new(schedule.clone(), factor);
        let mut all = ModuleLrScheduler::new(steps(1.0));
        let factors = settings.lr_factors.iter();
        let (backbone, stages): (Vec<_>, Vec<_>) = factors.partition(|(name, _)| *name == BACKBONE);
        // Of several groups that hold a parameter, Burn takes the last.
        for (name, &factor) in backbone.into_iter().chain(stages) {
            let ids = self.ids("fine_tune.lr_factors", name)?;
            all = all.with_group(ParamGroup::from_ids(ids), steps(factor));
        }
        Ok(all)
    }
}

/// Every parameter, running statistic and flag with the path of the layer it is in.
#[derive(Default)]
struct Members {
    path: Vec<String>,
    found: Vec<(String, ParamId)>,
}

impl Members {
    fn push(&mut self, id: ParamId) {
        let layer = self.path.len().saturating_sub(1);
        self.found.push((self.path[..layer].join("."), id));
    }
}

impl ModuleVisitor for Members {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.push(param.id);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.push(flag.id);
    }
}

/// The parameters that have gradients.
struct Moved<'a> {
    gradients: &'a GradientsParams,
    ids: Vec<ParamId>,
}

impl ModuleVisitor for Moved<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.gradients.get::<D>(param.id).is_some() {
            self.ids.push(param.id);
        }
    }
}
