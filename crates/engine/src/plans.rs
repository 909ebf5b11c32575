//! Plans of one network for the shapes that come along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Tensor;
use burn_zoo_core::Error;

use crate::Plan;

/// Plans by the shape of their images, made when the first images of a shape come. The last few
/// shapes are kept: a data set has full batches and a rest.
pub struct Plans<const D: usize = 2> {
    make: Box<Make<D>>,
    plans: Mutex<Vec<Arc<Plan<D>>>>,
}

type Make<const D: usize> = dyn Fn([usize; 4]) -> Result<Plan<D>, Error> + Send + Sync;

/// Shapes that are kept.
const KEPT: usize = 3;

impl<const D: usize> Plans<D> {
    /// Makes plans by this function.
    pub fn new(
        make: impl Fn([usize; 4]) -> Result<Plan<D>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Box::new(make),
            plans: Mutex::new(Vec::new()),
        }
    }

    /// Runs images through the plan for their shape.
    ///
    /// # Errors
    ///
    /// What making a plan can say.
    pub fn run(&self, images: Tensor<4>) -> Result<Tensor<D>, Error> {
        self.plan(images.dims())?.run(images)
    }

    /// The plan for a shape.
    ///
    /// # Errors
    ///
    /// What making a plan can say.
    pub fn plan(&self, shape: [usize; 4]) -> Result<Arc<Plan<D>>, Error> {
        let of_shape = |plan: &Arc<Plan<D>>| plan.shape() == shape;
        let known = self.plans().iter().find(|plan| of_shape(plan)).cloned();
        let plan = match known {
            Some(plan) => plan,
            // Not while the plans are locked: a thread of the pool may be given other images in the middle
            // of making one. Whoever makes one twice loses time, nothing else.
            None => Arc::new((self.make)(shape)?),
        };
        let mut plans = self.plans();
        plans.retain(|plan| !of_shape(plan));
        plans.insert(0, Arc::clone(&plan));
        plans.truncate(KEPT);
        Ok(plan)
    }

    fn plans(&self) -> MutexGuard<'_, Vec<Arc<Plan<D>>>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const D: usize> std::fmt::Debug for Plans<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plans").finish_non_exhaustive()
    }
}
