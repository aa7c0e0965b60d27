//! The grid in a headless window: geometry, keyboard, accessible names, copy.

use std::borrow::Cow;
use std::ops::Range;

use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotResults};
use headwater::gui::grid::{
    ColumnBins, GridAction, GridCell, GridColumn, GridModel, GridState, KeyMark, RowCount, Scope, grid_ui,
};
use headwater::gui::theme::{self, Look, ThemeChoice};
use headwater::model::read::Direction;

/// A table whose cells are computed, so that it can have any number of rows.
struct Computed {
    columns: Vec<GridColumn>,
    rows: u64,
    wanted: Range<u64>,
}

impl Computed {
    fn new(rows: u64, columns: usize) -> Self {
        let column = |i: usize| GridColumn {
            name: ["id", "email", "status"].get(i).map_or_else(|| format!("c{i}"), ToString::to_string),
            type_name: if i == 0 { "bigint" } else { "text" }.to_owned(),
            key: (i == 0).then_some(KeyMark::Primary),
            ..GridColumn::default()
        };
        Self { columns: (0..columns).map(column).collect(), rows, wanted: 0..0 }
    }
}

impl GridModel for Computed {
    fn name(&self) -> &str {
        "orders"
    }
    fn columns(&self) -> &[GridColumn] {
        &self.columns
    }
    fn row_count(&self) -> RowCount {
        RowCount::Exact(self.rows)
    }
    fn cell(&self, row: u64, column: usize) -> GridCell<'_> {
        match (row % 7, column) {
            (_, 0) => GridCell::Number(Cow::Owned(row.to_string())),
            (3, 1) => GridCell::Null,
            (4, 1) => GridCell::Text(Cow::Borrowed("")),
            (5, 1) => GridCell::Missing,
            (6, 1) => GridCell::Invalid(Cow::Borrowed(&[0xc3, 0x28])),
            (_, 1) => GridCell::Text(Cow::Owned(format!("a{row}@example.com"))),
            _ => GridCell::Code(Cow::Owned(format!("r{row}c{column}"))),
        }
    }
    fn want(&mut self, rows: Range<u64>) {
        self.wanted = rows;
    }
}

struct Pane {
    model: Computed,
    state: GridState,
    last: Option<GridAction>,
}

fn harness(rows: u64, columns: usize) -> Harness<'static, Pane> {
    harness_in(ThemeChoice::Dark, Computed::new(rows, columns))
}

fn harness_in(theme: ThemeChoice, model: Computed) -> Harness<'static, Pane> {
    let pane = Pane { model, state: GridState::default(), last: None };
    let mut harness = Harness::builder()
        .with_size(vec2(800.0, 500.0))
        .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_context_setup(move |ctx| theme::apply(ctx, Look { theme, ..Look::default() }).unwrap())
        .build_ui_state(
            |ui, pane: &mut Pane| {
                // Somewhere for the keyboard to go.
                if ui.button("Forget").clicked() {
                    pane.last = None;
                }
                pane.last = grid_ui(ui, &mut pane.model, &mut pane.state).or(pane.last);
            },
            pane,
        );
    harness.run();
    harness
}

fn focused(rows: u64, columns: usize) -> Harness<'static, Pane> {
    let mut harness = harness(rows, columns);
    harness.get_by_role(Role::Grid).focus();
    harness.run();
    harness
}

/// The grid has the keyboard; a screen reader hears its active cell as focused.
fn has_keyboard(harness: &Harness<'_, Pane>) -> bool {
    harness.query_all_by_role(Role::Cell).any(|cell| cell.is_focused())
}

/// Names and upper edges of the rows in view.
fn rows_in_view(harness: &Harness<'_, Pane>) -> Vec<(String, f32)> {
    harness
        .query_all_by_role(Role::Row)
        .filter_map(|node| {
            let label = node.accesskit_node().label()?;
            label.starts_with("row ").then(|| (label, node.rect().top()))
        })
        .collect()
}

#[test]
fn rows_are_exactly_one_height_apart_anywhere() {
    let mut harness = harness(2_000_000_000, 3);
    for row in [0, 1_000_000, 1_000_000_000, 1_999_999_999] {
        harness.state_mut().state.go_to_row(row);
        harness.run();
        let rows = rows_in_view(&harness);
        assert!(rows.len() >= 15, "{rows:?}");
        assert!(rows.iter().any(|(name, _)| *name == format!("row {}", row + 1)), "{row}: {rows:?}");
        // The first and last row may be clipped by the view's edges.
        let inner = &rows[1..rows.len() - 1];
        assert!(inner.windows(2).all(|pair| pair[1].1 - pair[0].1 == 28.0), "{row}: {rows:?}");
        let wanted = &harness.state().model.wanted;
        assert!(wanted.contains(&row) && wanted.end - wanted.start < 100, "{wanted:?}");
    }
}

#[test]
fn a_screen_reader_hears_the_table_its_columns_and_its_cells() {
    let harness = harness(1_204_331, 12);
    let grid = harness.get_by_label("orders, 12 columns, 1204331 rows");
    assert_eq!(grid.accesskit_node().role(), Role::Grid);
    harness.get_by_label("id, bigint, primary key");
    for name in [
        "row 1, email: a0@example.com",
        "row 4, email: null",
        "row 5, email: empty text",
        "row 6, email: missing",
        "row 7, email: invalid text 0xc328",
        "row 12, status: r11c2",
    ] {
        assert_eq!(harness.get_by_label(name).accesskit_node().role(), Role::Cell);
    }
    let row = harness.get_by_label("row 12");
    assert!(row.children_recursive().count() >= 3);
    assert!(grid.children_recursive().any(|node| node.accesskit_node().label() == Some("row 12".to_owned())));
}

#[test]
fn the_keyboard_reaches_every_corner_and_tab_leaves() {
    let mut harness = focused(1_000_000_000, 12);
    let cursor = |harness: &Harness<'_, Pane>| harness.state().state.cursor().unwrap();
    for (modifiers, key, expected) in [
        (Modifiers::NONE, Key::ArrowDown, (1, 0)),
        (Modifiers::NONE, Key::ArrowRight, (1, 1)),
        (Modifiers::NONE, Key::End, (1, 11)),
        (Modifiers::NONE, Key::Home, (1, 0)),
        (Modifiers::COMMAND, Key::ArrowDown, (999_999_999, 0)),
        (Modifiers::COMMAND, Key::ArrowUp, (0, 0)),
        (Modifiers::COMMAND, Key::End, (999_999_999, 11)),
        (Modifiers::COMMAND, Key::Home, (0, 0)),
    ] {
        harness.key_press_modifiers(modifiers, key);
        harness.run();
        assert_eq!(cursor(&harness), expected, "{modifiers:?} {key:?}");
    }
    harness.key_press(Key::PageDown);
    harness.run();
    assert!(cursor(&harness).0 > 10);
    assert!(has_keyboard(&harness));
    harness.key_press(Key::Tab);
    harness.run();
    assert!(!has_keyboard(&harness));
}

#[test]
fn shift_stretches_and_copy_takes_exactly_the_selection() {
    let mut harness = focused(100, 3);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.event(egui::Event::Copy);
    harness.step();
    let copied = harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("0\ta0@example.com\n1\ta1@example.com"));
    assert!(matches!(harness.state().last, Some(GridAction::Copied { cells: 4, pending: 0, .. })));
}

#[test]
fn every_action_has_a_key() {
    for (modifiers, key, expected) in [
        (Modifiers::NONE, Key::Enter, GridAction::OpenCell { row: 0, column: 0 }),
        (Modifiers::NONE, Key::Space, GridAction::OpenRecord { row: 0 }),
        (
            Modifiers::ALT,
            Key::ArrowUp,
            GridAction::Sort { column: 0, direction: Direction::Ascending, scope: Scope::FetchedRows },
        ),
        (
            Modifiers::COMMAND | Modifiers::SHIFT,
            Key::L,
            GridAction::Filter { column: 0, scope: Scope::FetchedRows },
        ),
    ] {
        let mut harness = focused(100, 3);
        harness.key_press_modifiers(modifiers, key);
        harness.run();
        assert_eq!(harness.state().last, Some(expected));
    }
}

#[test]
fn a_column_moves_with_the_keyboard() {
    let mut harness = focused(100, 3);
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
    harness.run();
    assert_eq!(harness.state().state.layout().shown(), [1, 0, 2]);
    assert_eq!(harness.state().state.cursor(), Some((0, 0)));
}

/// Presses at one place, moves the pointer in steps, lets go at the other.
fn drag(harness: &mut Harness<'_, Pane>, from: egui::Pos2, to: egui::Pos2) {
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.run();
    for step in 1..=4 {
        harness.hover_at(from.lerp(to, step as f32 / 4.0));
        harness.run();
    }
    harness.drop_at(to);
    harness.run();
}

fn header_of(harness: &Harness<'_, Pane>, name: &str) -> egui::Rect {
    let mut headers = harness.query_all_by_role(Role::ColumnHeader);
    headers
        .find(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with(name)))
        .unwrap()
        .rect()
}

#[test]
fn dragging_an_edge_makes_the_column_as_wide_as_the_pointer_says() {
    let mut harness = harness(100, 3);
    let before = header_of(&harness, "id");
    let edge = before.right_center();
    drag(&mut harness, edge, edge + vec2(60.0, 0.0));
    let after = header_of(&harness, "id");
    assert!((after.width() - before.width() - 60.0).abs() < 1.0, "{before:?} {after:?}");
    assert_eq!(header_of(&harness, "email").left(), after.right());

    drag(&mut harness, after.right_center(), after.left_center() - vec2(200.0, 0.0));
    let floor = harness.state().state.layout().width(0);
    assert!(floor > 0.0 && header_of(&harness, "id").width() == floor);
    assert_eq!(harness.state().state.layout().shown(), [0, 1, 2], "a resize moves no column");
}

#[test]
fn double_clicking_an_edge_fits_the_column_to_what_is_in_view() {
    let mut harness = harness(100, 3);
    harness.state_mut().state.layout_mut().set_width(1, 400.0);
    harness.run();
    let wide = header_of(&harness, "email");
    // All in one frame: a frame of the harness is longer than the time between two clicks.
    let at = wide.right_center();
    harness.hover_at(at);
    harness.run();
    for pressed in [true, false, true, false] {
        let button = egui::PointerButton::Primary;
        let event = egui::Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE };
        harness.input_mut().events.push(event);
    }
    harness.run();
    let fitted = header_of(&harness, "email").width();
    assert!(fitted < 250.0 && fitted > 60.0, "{fitted}");
}

#[test]
fn a_dragged_header_takes_its_column_along() {
    let mut harness = harness(100, 3);
    let (from, to) = (header_of(&harness, "id").center(), header_of(&harness, "status").center());
    drag(&mut harness, from, to);
    assert_eq!(harness.state().state.layout().shown(), [1, 2, 0]);
    let (from, to) = (header_of(&harness, "id").center(), header_of(&harness, "email").center());
    drag(&mut harness, from, to);
    assert_eq!(harness.state().state.layout().shown(), [0, 1, 2]);
    assert_eq!(harness.state().last, None, "a drag is no click");
}

#[test]
fn the_menu_opens_by_key_and_hides_a_column() {
    let mut harness = focused(100, 3);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    harness.run();
    harness.get_by_label("Sort ascending: ask the source");
    harness.get_by_label("Hide column").click();
    harness.run();
    assert_eq!(harness.state().state.layout().shown(), [1, 2]);
}

#[test]
fn a_click_selects_and_a_double_click_opens() {
    let mut harness = harness(100, 3);
    harness.get_by_label("row 3, email: a2@example.com").click();
    harness.run();
    assert_eq!(harness.state().state.cursor(), Some((2, 1)));
    assert!(has_keyboard(&harness));
    harness.get_by_label("row 3, email: a2@example.com").click_accesskit();
    harness.run();
    assert_eq!(harness.state().state.cursor(), Some((2, 1)));
}

#[test]
fn the_wheel_scrolls_by_points_even_at_a_billion_rows() {
    let mut harness = harness(2_000_000_000, 3);
    harness.state_mut().state.go_to_row(1_000_000_000);
    harness.run();
    let before = harness.state().state.anchor();
    harness.hover_at(egui::pos2(400.0, 300.0));
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, -280.0),
        source: egui::MouseWheelSource::Unknown,
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    for _ in 0..60 {
        harness.step();
    }
    let after = harness.state().state.anchor();
    let moved = (after.row - before.row) as f32 * 28.0 + after.sub - before.sub;
    assert!((moved - 280.0).abs() < 1.0, "{moved}");
}

#[test]
fn an_empty_table_and_a_table_without_columns_are_drawn() {
    for (rows, columns) in [(0, 3), (10, 0), (0, 0)] {
        let mut harness = focused(rows, columns);
        for key in [Key::ArrowDown, Key::End, Key::PageDown, Key::Enter] {
            harness.key_press(key);
        }
        harness.event(egui::Event::Copy);
        harness.run();
    }
}

#[test]
fn huge_cells_and_a_hundred_thousand_columns_do_not_stall_a_frame() {
    struct Huge {
        columns: Vec<GridColumn>,
        text: String,
    }
    impl GridModel for Huge {
        fn name(&self) -> &str {
            "huge"
        }
        fn columns(&self) -> &[GridColumn] {
            &self.columns
        }
        fn row_count(&self) -> RowCount {
            RowCount::AtLeast(1000)
        }
        fn cell(&self, _row: u64, _column: usize) -> GridCell<'_> {
            GridCell::Text(Cow::Borrowed(&self.text))
        }
        fn want(&mut self, _rows: Range<u64>) {}
    }
    let columns =
        (0..100_000).map(|i| GridColumn { name: format!("c{i}"), ..GridColumn::default() }).collect();
    let model = Huge { columns, text: "x".repeat(4_000_000) };
    let mut harness = Harness::builder()
        .with_context_setup(|ctx| theme::apply(ctx, Look::default()).unwrap())
        .build_ui_state(
            |ui, (model, state): &mut (Huge, GridState)| {
                grid_ui(ui, model, state);
            },
            (model, GridState::default()),
        );
    harness.state_mut().1.go_to_column(99_999);
    harness.run();
    harness.get_by_label("huge, 100000 columns, at least 1000 rows");
    // Only what is in view exists: a few hundred cells, not a hundred million.
    assert!(harness.query_all_by_role(Role::Cell).count() < 500);
    assert!(
        harness
            .query_all_by_role(Role::ColumnHeader)
            .any(|n| n.accesskit_node().label() == Some("c99999".into()))
    );
}

#[test]
fn the_grid_looks_as_it_should() {
    let mut results = SnapshotResults::new();
    for (theme, name) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        let mut model = Computed::new(1_204_331, 8);
        model.columns[1].bins = Some(ColumnBins {
            bins: vec![1.0, 3.0, 9.0, 4.0, 2.0, 0.0, 1.0],
            null_share: 0.14,
            sentence: "14 % null".to_owned(),
        });
        model.columns[1].sort = Some((Direction::Descending, Scope::FetchedRows));
        let mut harness = harness_in(theme, model);
        harness.get_by_role(Role::Grid).focus();
        harness.key_press(Key::ArrowDown);
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
        harness.run();
        harness.snapshot(format!("gui_grid_{name}"));
        results.extend_harness(&mut harness);
    }
}
