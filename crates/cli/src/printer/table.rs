//! Tables as text. For programs there is `--json`.

use super::escape::escape;

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    headings: usize,
    spared: &'static [&'static str],
}

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()],
            headings: 1,
            spared: &[],
        }
    }

    /// A table without headings.
    pub(crate) const fn plain() -> Self {
        Self {
            rows: Vec::new(),
            headings: 0,
            spared: &[],
        }
    }

    /// The columns that a narrow terminal is spared, the first of them first.
    pub(crate) fn sparing(self, headings: &'static [&'static str]) -> Self {
        Self {
            spared: headings,
            ..self
        }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        let cell = |text: &str| match text {
            "" => "-".to_owned(),
            text => escape(text).into_owned(),
        };
        self.rows.push(cells.into_iter().map(cell).collect());
    }

    /// Whether it has no row, besides its headings.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() <= self.headings
    }

    /// The rows, each column as wide as its widest cell, and the headings of the columns that were left out so that the
    /// rows fit into `room` characters. If they cannot, the rows are wider.
    pub(super) fn lines(&self, room: usize) -> (Vec<String>, &'static [&'static str]) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let columns: Vec<Column<'_>> = (0..columns).map(|at| self.column(at)).collect();
        let shown = |left_out: &[&str]| -> Vec<&Column<'_>> {
            let columns = columns.iter();
            let is_shown = |column: &&Column<'_>| !left_out.contains(&column.heading);
            columns.filter(is_shown).collect()
        };
        let (mut left_out, mut count): (&[&str], usize) = (&[], 0);
        while count < self.spared.len() && width(&shown(left_out)) > room {
            count += 1;
            left_out = self.spared.get(..count).unwrap_or_default();
        }
        let shown = shown(left_out);
        let line = |row: &Vec<String>| {
            let padded = shown.iter().filter_map(|column| {
                let width = column.width;
                row.get(column.at).map(|cell| format!("{cell:width$}"))
            });
            let joined = padded.collect::<Vec<_>>().join("  ");
            joined.trim_end().to_owned()
        };
        (self.rows.iter().map(line).collect(), left_out)
    }

    fn column(&self, at: usize) -> Column<'_> {
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        let heading = self.rows.first().and_then(|row| row.get(at));
        Column {
            at,
            heading: heading
                .filter(|_| self.headings > 0)
                .map_or("", String::as_str),
            width: cells.map(|cell| cell.chars().count()).max().unwrap_or(0),
        }
    }
}

/// A column, with the width of its widest cell.
struct Column<'a> {
    at: usize,
    heading: &'a str,
    width: usize,
}

/// How wide a row of these columns is.
fn width(columns: &[&Column<'_>]) -> usize {
    let gaps = 2 * columns.len().saturating_sub(1);
    columns.iter().map(|column| column.width).sum::<usize>() + gaps
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
            table.lines(usize::MAX).0,
            ["NAME      TOOL", "a         linear__*", "longer\\n  -"]
        );
    }

    #[test]
    fn a_narrow_terminal_is_spared_as_few_columns_as_possible() {
        let mut table = Table::new(&["NAME", "ID", "TOOL"]).sparing(&["ID", "TOOL"]);
        table.row(["a", "0123456789", "linear__*"]);
        assert!(table.lines(27).1.is_empty());
        let (lines, left_out) = table.lines(26);
        assert_eq!(lines, ["NAME  TOOL", "a     linear__*"]);
        assert_eq!(left_out, ["ID"]);
        let (lines, left_out) = table.lines(3);
        assert_eq!(lines, ["NAME", "a"]);
        assert_eq!(left_out, ["ID", "TOOL"]);
        let mut plain = Table::plain().sparing(&["ID"]);
        plain.row(["ID", "0123456789"]);
        assert_eq!(plain.lines(3).0, ["ID  0123456789"]);
    }
}
