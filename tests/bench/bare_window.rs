//! A window of the same library with nothing in it, closed after its first frame: what the start of ours is held
//! against. By hand, see the README beside it.

/// Draws an empty panel twice, then closes, as `headwater gui --first-frame-exit` does.
struct Bare {
    frames: u32,
}

impl eframe::App for Bare {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        // Software renderers pay for every pixel: an unpainted window would be compared with a painted one.
        egui::CentralPanel::default().show(ui, |_| {});
        self.frames += 1;
        if self.frames > 1 {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        } else {
            ui.ctx().request_repaint();
        }
    }
}

fn main() -> eframe::Result {
    let viewport = egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]);
    let options = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native("bare", options, Box::new(|_| Ok(Box::new(Bare { frames: 0 }))))
}
