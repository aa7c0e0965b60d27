//! The icon set: white shapes in one atlas (`assets/icons`), tinted with the colour in force.
//!
//! Invariants: the table and the picture come from the same script; every [`Icon`] has its cell (a test).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use egui::accesskit::Role;
use egui::{
    Button, Color32, ColorImage, Context, Id, Painter, Pos2, Rect, Response, TextureHandle, TextureOptions,
    Ui, Vec2, WidgetInfo, pos2,
};
use serde::Deserialize;

use crate::gui::theme;

const PICTURE: &[u8] = include_bytes!("../../../assets/icons/atlas.png");
const TABLE: &str = include_str!("../../../assets/icons/atlas.toml");
/// Side of an icon, points.
pub const SIZE: f32 = 16.0;

/// An icon; [`icon_button`] gives it a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    Chart,
    Check,
    ChevronDown,
    ChevronRight,
    Close,
    Copy,
    Database,
    Export,
    File,
    Filter,
    Folder,
    Jobs,
    Key,
    Ledger,
    Lock,
    Moon,
    More,
    Play,
    Plus,
    Question,
    Refresh,
    Search,
    Settings,
    Sort,
    Stop,
    Sun,
    Table,
    View,
    TypeBool,
    TypeBytes,
    TypeJson,
    TypeNumber,
    TypeText,
    TypeTime,
}

impl Icon {
    /// File name without its ending.
    fn file(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Check => "check",
            Self::ChevronDown => "chevron-down",
            Self::ChevronRight => "chevron-right",
            Self::Close => "close",
            Self::Copy => "copy",
            Self::Database => "database",
            Self::Export => "export",
            Self::File => "file",
            Self::Filter => "filter",
            Self::Folder => "folder",
            Self::Jobs => "jobs",
            Self::Key => "key",
            Self::Ledger => "ledger",
            Self::Lock => "lock",
            Self::Moon => "moon",
            Self::More => "more",
            Self::Play => "play",
            Self::Plus => "plus",
            Self::Question => "question",
            Self::Refresh => "refresh",
            Self::Search => "search",
            Self::Settings => "settings",
            Self::Sort => "sort",
            Self::Stop => "stop",
            Self::Sun => "sun",
            Self::Table => "table",
            Self::View => "view",
            Self::TypeBool => "type-bool",
            Self::TypeBytes => "type-bytes",
            Self::TypeJson => "type-json",
            Self::TypeNumber => "type-number",
            Self::TypeText => "type-text",
            Self::TypeTime => "type-time",
        }
    }

    /// Paint the icon to fill `rect`.
    pub fn paint(self, painter: &Painter, rect: Rect, tint: Color32) {
        if let (Some(texture), Some(uv)) = (texture(painter.ctx()), self.uv()) {
            painter.image(texture.id(), rect, uv, tint);
        }
    }

    /// Paint the icon 16 points wide around `center`.
    pub fn paint_at(self, painter: &Painter, center: Pos2, tint: Color32) {
        self.paint(painter, Rect::from_center_size(center, Vec2::splat(SIZE)), tint);
    }

    fn uv(self) -> Option<Rect> {
        let table = TABLE_READ.as_ref().ok()?;
        let [column, row] = *table.cells.get(self.file())?;
        let (columns, rows) = (f32::from(table.columns), f32::from(table.rows));
        let (x, y) = (f32::from(column), f32::from(row));
        let corner = |x: f32, y: f32| pos2(x / columns, y / rows);
        Some(Rect::from_min_max(corner(x, y), corner(x + 1.0, y + 1.0)))
    }
}

#[derive(Deserialize)]
struct Table {
    columns: u8,
    rows: u8,
    cells: BTreeMap<String, [u8; 2]>,
}

static TABLE_READ: LazyLock<Result<Table, toml::de::Error>> = LazyLock::new(|| toml::from_str(TABLE));

/// The atlas of this context; loaded at the first icon.
fn texture(ctx: &Context) -> Option<TextureHandle> {
    let id = Id::unique("icon atlas");
    if let Some(texture) = ctx.data(|data| data.get_temp::<TextureHandle>(id)) {
        return Some(texture);
    }
    let picture = image::load_from_memory_with_format(PICTURE, image::ImageFormat::Png).ok()?.into_rgba8();
    let size = [usize::try_from(picture.width()).ok()?, usize::try_from(picture.height()).ok()?];
    let pixels = ColorImage::from_rgba_unmultiplied(size, picture.as_raw());
    let texture = ctx.load_texture("icon atlas", pixels, TextureOptions::LINEAR);
    ctx.data_mut(|data| data.insert_temp(id, texture.clone()));
    Some(texture)
}

/// A square button with an icon; `name` is what a screen reader says and the tooltip shows.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let tokens = theme::of(ui.ctx()).tokens;
    let button = Button::new("").min_size(Vec2::splat(theme::MIN_TARGET)).frame_when_inactive(false);
    let response = ui.add(button);
    let color = if response.enabled() { tokens.text } else { tokens.text_faint };
    icon.paint_at(ui.painter(), response.rect.center(), color);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    response.on_hover_text(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_its_cell_in_the_atlas() {
        for icon in [
            Icon::Chart,
            Icon::Check,
            Icon::ChevronDown,
            Icon::ChevronRight,
            Icon::Close,
            Icon::Copy,
            Icon::Database,
            Icon::Export,
            Icon::File,
            Icon::Filter,
            Icon::Folder,
            Icon::Jobs,
            Icon::Key,
            Icon::Ledger,
            Icon::Lock,
            Icon::Moon,
            Icon::More,
            Icon::Play,
            Icon::Plus,
            Icon::Question,
            Icon::Refresh,
            Icon::Search,
            Icon::Settings,
            Icon::Sort,
            Icon::Stop,
            Icon::Sun,
            Icon::Table,
            Icon::View,
            Icon::TypeBool,
            Icon::TypeBytes,
            Icon::TypeJson,
            Icon::TypeNumber,
            Icon::TypeText,
            Icon::TypeTime,
        ] {
            assert!(icon.uv().is_some(), "{}", icon.file());
        }
    }
}
