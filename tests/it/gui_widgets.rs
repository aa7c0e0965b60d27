//! The small parts in a headless window: names, actions and looks.

use egui::accesskit::{Live, Role};
use egui::{Key, Ui, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotResults};
use headwater::gui::command::UiCommand;
use headwater::gui::inspect::{CellValue, InspectorState, inspector_ui};
use headwater::gui::palette::{PaletteAction, PaletteObject, PaletteState, palette_ui};
use headwater::gui::theme::{self, Look, Motion, ThemeChoice, verdict};
use headwater::gui::widgets::{
    Empty, ErrorCard, ErrorCardAction, Gauge, Histogram, Icon, ToastKind, Toasts, empty_state_ui, env_tag,
    error_card_ui, gauge_ui, histogram_ui, icon_button, key_value_ui, verdict_badge,
};
use headwater::model::connection::Tier;

fn harness<'a, S: 'a>(theme: ThemeChoice, state: S, ui: impl FnMut(&mut Ui, &mut S) + 'a) -> Harness<'a, S> {
    let mut harness = Harness::builder()
        .with_size(vec2(640.0, 420.0))
        .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_context_setup(move |ctx| {
            // No blinking caret in snapshots.
            theme::apply(ctx, Look { theme, motion: Motion::Reduced, ..Look::default() }).unwrap();
        })
        .build_ui_state(ui, state);
    harness.run();
    harness
}

const CARD: ErrorCard<'_> = ErrorCard {
    what: "The server refused the connection",
    place: "shop-pg, host db.example.org, port 5432",
    did: "Nothing was sent; nothing was written.",
    next_steps: &["Try again", "Edit connection"],
    details: "connection refused (os error 111)",
};

fn gallery(ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        for verdict in verdict::ALL {
            verdict_badge(ui, verdict, &format!("Load estimate: {}.", theme::look(verdict).word));
        }
    });
    ui.horizontal(|ui| {
        for tier in [Tier::Prod, Tier::Stg, Tier::Dev, Tier::Local] {
            env_tag(ui, tier);
        }
        icon_button(ui, Icon::Refresh, "Refresh catalog");
        icon_button(ui, Icon::Key, "Show keys");
    });
    for (share, short) in [(0.07, "14 MB / 200 MB"), (0.9, "180 MB / 200 MB"), (1.4, "280 MB / 200 MB")] {
        let sentence = format!("Session load: {short}");
        gauge_ui(ui, Gauge { share, short, sentence: &sentence, bar_width: 160.0 });
    }
    let bins = Histogram { bins: &[1.0, 4.0, 9.0, 3.0, 0.0, 1.0], null_share: 0.2 };
    histogram_ui(ui, vec2(160.0, 32.0), bins, "Distribution of total: 6 bins, 20 % null");
    key_value_ui(ui, "Rows", "1204331, counted");
    error_card_ui(ui, CARD);
}

#[test]
fn the_small_parts_look_as_they_should() {
    let mut results = SnapshotResults::new();
    for (theme, name) in [
        (ThemeChoice::Dark, "dark"),
        (ThemeChoice::Light, "light"),
        (ThemeChoice::HighContrast, "high_contrast"),
    ] {
        let mut harness = harness(theme, (), |ui, ()| gallery(ui));
        harness.snapshot(format!("gui_widgets_{name}"));
        results.extend_harness(&mut harness);
    }
}

#[test]
fn everything_painted_is_found_by_its_sentence() {
    let harness = harness(ThemeChoice::Dark, (), |ui, ()| gallery(ui));
    for name in [
        "Load estimate: heavy.",
        "Load estimate: unknown.",
        "Production environment",
        "Local environment",
        "Session load: 280 MB / 200 MB (over budget)",
        "Distribution of total: 6 bins, 20 % null",
        "Rows: 1204331, counted",
        "Refresh catalog",
        "Error: The server refused the connection",
        "Try again",
        "Dismiss error",
    ] {
        harness.get_by_label(name);
    }
}

#[test]
fn targets_are_large_enough_and_siblings_have_different_names() {
    let harness = harness(ThemeChoice::Dark, (), |ui, ()| gallery(ui));
    for button in harness.query_all_by_role(Role::Button) {
        let size = button.rect().size();
        assert!(size.x >= 24.0 && size.y >= 24.0, "{:?} {size:?}", button.accesskit_node().label());
    }
}

#[test]
fn an_error_card_offers_its_next_steps() {
    let mut harness = harness(ThemeChoice::Dark, None, |ui, chosen| {
        *chosen = error_card_ui(ui, CARD).or(*chosen);
    });
    harness.get_by_label("Edit connection").click();
    harness.run();
    assert_eq!(*harness.state(), Some(ErrorCardAction::Step(1)));
    let card = harness.get_by_label("Error: The server refused the connection");
    assert_eq!(card.accesskit_node().live(), Live::Polite);
}

#[test]
fn an_empty_state_offers_one_action() {
    let empty = Empty {
        title: "No connections yet",
        why: "Saved connections appear here.",
        action: Some("Add connection"),
    };
    let mut harness =
        harness(ThemeChoice::Light, false, move |ui, chosen| *chosen |= empty_state_ui(ui, empty));
    harness.get_by_label("Saved connections appear here.");
    harness.get_by_label("Add connection").click();
    harness.run();
    assert!(*harness.state());
}

#[test]
fn toasts_are_announced_and_go_by_themselves() {
    let mut harness = harness(ThemeChoice::Dark, Toasts::default(), |ui, toasts| toasts.show(ui.ctx(), 24.0));
    harness.state_mut().push(ToastKind::Done, "Exported 12 rows");
    harness.state_mut().push(ToastKind::Refused, "Read refused: above the budget");
    harness.run_steps(2);
    let live = |name| harness.get_by_label(name).accesskit_node().live();
    assert_eq!(live("Exported 12 rows"), Live::Polite);
    assert_eq!(live("Read refused: above the budget"), Live::Assertive);
    // A step is a quarter of a second.
    harness.run_steps(30);
    assert_eq!(harness.state().texts().collect::<Vec<_>>(), ["Read refused: above the budget"]);
    harness.get_by_label("Dismiss message").click();
    harness.run_steps(3);
    assert_eq!(harness.state().texts().count(), 0);
}

#[test]
fn the_palette_finds_runs_and_closes() {
    let objects = vec![PaletteObject { name: "public/orders".into(), detail: "table".into() }];
    let mut harness =
        harness(ThemeChoice::Dark, (PaletteState::default(), None), move |ui, (state, chosen)| {
            if chosen.is_none() {
                *chosen = palette_ui(ui.ctx(), &objects, state);
            }
        });
    harness.get_by_label("Find a command, object or row").type_text("ledg");
    harness.run();
    harness.get_by_label("Show ledger");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().1, Some(PaletteAction::Run(UiCommand::ShowLedger)));
}

#[test]
fn the_palette_opens_objects_with_the_arrow_keys() {
    let objects: Vec<_> = ["public/customers", "public/orders"]
        .map(|name| PaletteObject { name: name.into(), detail: "table".into() })
        .into();
    let mut harness =
        harness(ThemeChoice::Dark, (PaletteState::with_query("@"), None), move |ui, (state, chosen)| {
            if chosen.is_none() {
                *chosen = palette_ui(ui.ctx(), &objects, state);
            }
        });
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.snapshot("gui_palette_dark");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().1, Some(PaletteAction::Open(1)));
}

#[test]
fn the_inspector_shows_json_as_a_tree_and_bytes_as_hex() {
    let text = r#"{"id": 12345678901234567890, "tags": ["a", null]}"#;
    let mut harness = harness(ThemeChoice::Dark, InspectorState::default(), move |ui, state| {
        inspector_ui(ui, "payload", CellValue::Text(text), 1, state);
    });
    harness.get_by_label_contains("12345678901234567890");
    harness.snapshot("gui_inspector_json_dark");
    harness.get_by_label("Fold \"tags\"").click();
    harness.run();
    harness.get_by_label("Unfold \"tags\"");
    harness.get_by_label("Hex").click();
    harness.run();
    harness.get_by_label_contains("00000000  7b 22 69 64 22 3a 20 31");
}

#[test]
fn a_four_megabyte_value_is_paged() {
    let text = "x".repeat(4 << 20);
    let mut harness = harness(ThemeChoice::Dark, InspectorState::default(), move |ui, state| {
        inspector_ui(ui, "payload", CellValue::Text(&text), 1, state);
    });
    harness.get_by_label("page 1 of 64, 64 KiB each");
    harness.get_by_label("Next page").click();
    harness.run();
    harness.get_by_label("page 2 of 64, 64 KiB each");
}
