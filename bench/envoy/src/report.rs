//! A result as it is kept: `NAME.md` to read, `NAME.svg` to look at, `NAME.json` for programs.

mod facts;
mod plot;
mod spread;
mod table;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

pub(crate) use facts::Facts;
pub(crate) use plot::{Bar, Plot, Scale, draw};
pub(crate) use spread::{Spread, quantile};
pub(crate) use table::{Table, thousands};

/// A result.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    title: String,
    about: String,
    facts: Facts,
    tables: Vec<Table>,
    plots: Vec<Plot>,
    data: Map<String, Value>,
}

// === impl Report ===

impl Report {
    /// A result that is kept under this name, a file's name without its ending. `about` says in a
    /// paragraph or two what was measured and how to read it (Markdown).
    pub(crate) fn new(name: &'static str, title: &str, about: &str, facts: Facts) -> Self {
        Self {
            name,
            title: title.to_owned(),
            about: about.trim().to_owned(),
            facts,
            tables: Vec::new(),
            plots: Vec::new(),
            data: Map::new(),
        }
    }

    /// Adds a fact that the run found out.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.add(name, value);
    }

    /// Adds a table; it is printed at once too.
    pub(crate) fn table(&mut self, table: Table) {
        println!("{}", table.text());
        self.tables.push(table);
    }

    /// Adds a picture below those that are there.
    pub(crate) fn plot(&mut self, plot: Plot) {
        self.plots.push(plot);
    }

    /// Adds something for programs: a key of the JSON file.
    pub(crate) fn data(&mut self, key: &str, value: Value) {
        self.data.insert(key.to_owned(), value);
    }

    /// Writes the files.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written, or a plot has no bar.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let file = |ending: &str| directory.join(format!("{}.{ending}", self.name));
        if !self.plots.is_empty() {
            draw(&file("svg"), &self.plots)?;
        }
        let json = json!({
            "title": self.title,
            "facts": self.facts.json(),
            "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>(),
            "data": self.data,
        });
        std::fs::write(file("json"), serde_json::to_string_pretty(&json)? + "\n")?;
        std::fs::write(file("md"), self.markdown())?;
        println!("written: {}", file("md").display());
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", self.title, self.about);
        if !self.plots.is_empty() {
            text.push_str(&format!("\n![{}]({}.svg)\n", self.title, self.name));
        }
        for table in &self.tables {
            text.push('\n');
            text.push_str(&table.markdown());
        }
        text.push_str(&format!(
            "\n## The machine and the run\n\n{}",
            self.facts.markdown()
        ));
        text
    }
}
