//! Whole modules: their parameters, buffers and submodules, as in a state dict.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Builder, Pairs, Result};
use crate::pickle::{Node, Object, Slot};
use crate::value::{Dict, Value};

impl Builder<'_> {
    /// The dictionary that `torch.nn.Module.state_dict` would return, by module name,
    /// followed by the plain attributes. `None` if these are not the fields of a module.
    pub(super) fn module(&mut self, class: &Arc<str>, fields: &Pairs) -> Result<Option<Value>> {
        let pickle = self.pickle.clone();
        let field = |name: &str| {
            let found = fields.iter().rev();
            let found = found
                .copied()
                .find(|&(key, _)| pickle.text(key).as_deref() == Some(name));
            found.map(|(_, value)| value)
        };
        let (Some(parameters), Some(modules)) = (field("_parameters"), field("_modules")) else {
            return Ok(None);
        };
        let passing = field("_non_persistent_buffers_set").map(|slot| self.names(slot));
        let passing = passing.unwrap_or_default();
        let buffers = field("_buffers").map(|slot| self.pairs(slot, false));
        let (passing, buffers): (Pairs, Pairs) = buffers
            .unwrap_or_default()
            .into_iter()
            .partition(|&(key, _)| pickle.text(key).is_some_and(|key| passing.contains(&key)));
        let members = [
            self.pairs(parameters, false),
            buffers,
            self.pairs(modules, false),
        ]
        .concat();
        let members: Pairs = members
            .into_iter()
            .filter(|&(_, value)| value != Slot::None)
            .collect();
        let attributes = fields.iter().copied().filter(|&(key, _)| {
            let key = pickle.text(key);
            key.is_some_and(|key| !key.starts_with('_') && &*key != "training")
        });
        let attributes: Pairs = attributes.chain(passing).collect();
        self.members_and_attributes(class, &members, &attributes)
            .map(Some)
    }

    /// Whether an object has the fields that every module has.
    pub(super) fn is_module(&self, object: &Object) -> bool {
        object.state.is_some_and(|state| self.has_modules(state))
            || self
                .class(object.callable)
                .is_some_and(|class| class.starts_with("__torch__."))
    }

    /// Whether a dictionary has the fields of a module.
    pub(super) fn has_modules(&self, dict: Slot) -> bool {
        let fields = self.pickle.dict(dict).unwrap_or_default();
        self.spend(fields.len());
        let mut keys = fields.iter();
        keys.any(|&(key, _)| self.pickle.text(key).as_deref() == Some("_modules"))
    }

    /// The same for TorchScript, where the code lists the names of parameters and buffers.
    pub(super) fn script(&mut self, class: &Arc<str>, fields: &Pairs) -> Result<Option<Value>> {
        let Some(names) = self.classes.get(class).cloned() else {
            return Ok(None);
        };
        let pickle = self.pickle.clone();
        let is_member = |&(key, value): &(Slot, Slot)| {
            let is_weight = pickle.text(key).is_some_and(|key| names.contains(&*key));
            let is_module = match pickle.node(value) {
                Some(Node::Object(object)) => {
                    let call = self.call(object);
                    call.is_some_and(|(name, _)| name.starts_with("__torch__."))
                }
                _ => false,
            };
            is_weight || is_module
        };
        let (members, attributes): (Pairs, Pairs) = fields.iter().copied().partition(is_member);
        self.members_and_attributes(class, &members, &attributes)
            .map(Some)
    }

    fn members_and_attributes(
        &mut self,
        class: &Arc<str>,
        members: &[(Slot, Slot)],
        attributes: &[(Slot, Slot)],
    ) -> Result<Value> {
        let members = self.dict(None, members)?;
        let attributes = self.as_attribute(|builder| builder.dict(None, attributes))?;
        let pairs = [members, attributes]
            .into_iter()
            .filter_map(|value| match value {
                Value::Dict(dict) => Some(dict.pairs),
                _ => None,
            });
        let pairs = pairs.flat_map(|pairs| pairs.to_vec()).collect();
        let class = Some(class.clone());
        Ok(Value::Dict(Dict { class, pairs }))
    }

    /// The strings in a set.
    fn names(&self, slot: Slot) -> HashSet<Arc<str>> {
        let slot = match self.pickle.node(slot) {
            Some(Node::Object(object)) => {
                let first = self
                    .call(object)
                    .and_then(|(_, arguments)| arguments.first().copied());
                first.unwrap_or(Slot::None)
            }
            _ => slot,
        };
        let items = self.pickle.items(slot);
        self.spend(items.map_or(0, |items| items.len()));
        let texts = items.map(|items| {
            items
                .iter()
                .filter_map(|item| self.pickle.text(item))
                .collect()
        });
        texts.unwrap_or_default()
    }
}
