//! Tables, in Markdown, for the terminal and as JSON.

use serde_json::{Value, json};

/// A table: its first column are names, the others figures.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    title: String,
    /// Below the title: what the columns are.
    note: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

// === impl Table ===

impl Table {
    /// A table with these columns, without rows yet. `note` may be empty.
    pub(crate) fn new(title: &str, note: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            note: note.trim().to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; what is missing on the right stays empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    pub(super) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {}\n\n", self.title);
        if !self.note.is_empty() {
            text.push_str(&format!("{}\n\n", self.note));
        }
        text.push_str(&line(&self.columns));
        text.push_str(&format!(
            "| ---{} |\n",
            " | --:".repeat(self.columns.len() - 1)
        ));
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }

    /// For the terminal: columns of one width.
    pub(super) fn text(&self) -> String {
        let rows = || std::iter::once(&self.columns).chain(&self.rows);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).filter_map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(place, (cell, &width))| match place {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("   ")
        };
        let lines: Vec<String> = rows().map(line).collect();
        format!("\n{}\n{}", self.title, lines.join("\n"))
    }

    pub(super) fn json(&self) -> Value {
        json!({"title": self.title, "columns": self.columns, "rows": self.rows})
    }
}

/// `471,212`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_both_forms() {
        let mut table = Table::new("Cost", "In µs.", &["who", "cost"]);
        table.row(["no filter".to_owned(), "17.0".to_owned()]);
        table.row(["ours".to_owned()]);
        assert_eq!(
            table.markdown(),
            "## Cost\n\nIn µs.\n\n| who | cost |\n| --- | --: |\n| no filter | 17.0 |\n| ours |  |\n",
        );
        assert_eq!(
            table.text(),
            "\nCost\nwho         cost\nno filter   17.0\nours            "
        );
    }

    #[test]
    fn digits_in_threes() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (471_212, "471,212"),
        ];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
    }
}
