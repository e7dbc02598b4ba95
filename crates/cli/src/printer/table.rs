//! Tables as text. For programs there is `--json`.

use super::escape::escape;

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()],
        }
    }

    /// A table without headings.
    pub(crate) const fn plain() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        let cell = |text: &str| match text {
            "" => "-".to_owned(),
            text => escape(text).into_owned(),
        };
        self.rows.push(cells.into_iter().map(cell).collect());
    }

    /// The rows, each column as wide as its widest cell.
    pub(super) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let padded = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            let joined = padded.collect::<Vec<_>>().join("  ");
            joined.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "TOOL"]);
        table.row(["a", "linear__*"]);
        table.row(["longer\n", ""]);
        assert_eq!(
            table.lines(),
            ["NAME      TOOL", "a         linear__*", "longer\\n  -"]
        );
    }
}
