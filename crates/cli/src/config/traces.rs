//! Where traces are sent to.

use super::destination::Destination;
use super::layers::Layers;

/// A collector of traces.
#[derive(Clone)]
pub(crate) struct Tracing {
    pub(crate) destination: Destination,
    /// How many percent of the traces that begin here are sent.
    pub(crate) percent: u8,
    /// Whether requests continue the trace that they name.
    pub(crate) continues: bool,
}

impl Tracing {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const PERCENT: &str = "traces.percent";
        let percent: u8 = layers.integer(PERCENT, 1);
        let destination = Destination::of(layers, "traces")?;
        if let Err(error) = destination.policy.check(&destination.url) {
            layers.problem_at("traces.url", &error.to_string());
        }
        if percent > 100 {
            layers.problem_at(PERCENT, "expected a whole number from 1 to 100");
        }
        Some(Self {
            destination,
            percent,
            continues: layers.boolean("traces.continue"),
        })
    }
}
