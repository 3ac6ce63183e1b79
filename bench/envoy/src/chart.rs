//! Pictures of what other programs have measured: bars from a JSON file, in the look of the rig's own.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::report::{self, Bar, Plot, Scale, Spread};

/// Draws bars from a JSON file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `[{"title": …, "axis": …, "logarithmic": true, "bars": [{"label": …, "values": […], "ours": true}]}]`
    json: PathBuf,
    /// Where the picture goes.
    svg: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chart {
    title: String,
    axis: String,
    #[serde(default)]
    logarithmic: bool,
    /// A line across the bars.
    goal: Option<f64>,
    bars: Vec<Measured>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    label: String,
    values: Vec<f64>,
    #[serde(default)]
    ours: bool,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let file = self.json.display();
        let json = std::fs::read(&self.json).with_context(|| format!("cannot read {file}"))?;
        let charts: Vec<Chart> = serde_json::from_slice(&json).with_context(|| file.to_string())?;
        let plots = charts.into_iter().map(Chart::plot);
        let plots: Vec<Plot> = plots.collect::<Result<_>>().context(file.to_string())?;
        report::draw(&self.svg, &plots)?;
        println!("written: {}", self.svg.display());
        Ok(())
    }
}

// === impl Chart ===

impl Chart {
    fn plot(self) -> Result<Plot> {
        let scale = match self.logarithmic {
            true => Scale::Logarithmic,
            false => Scale::Linear,
        };
        let mut plot = Plot::new(&self.title, &self.axis, scale);
        if let Some(goal) = self.goal {
            plot.mark(goal, "goal");
        }
        for Measured {
            label,
            values,
            ours,
        } in self.bars
        {
            let spread = Spread::of(values).with_context(|| format!("{label}: no values"))?;
            let bar = Bar::new(&label, spread);
            plot.bar(if ours { bar.ours() } else { bar });
        }
        Ok(plot)
    }
}
