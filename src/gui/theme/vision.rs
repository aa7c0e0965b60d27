//! Colour distance as people see it, colour-blind people included, so that the verdict colours are held apart by
//! a test: CIEDE2000 (Sharma 2005) over the simulations of Machado 2009 at full severity.

use egui::Color32;

use super::contrast::contrast;
use super::tokens::{Tokens, themes};
use super::verdict::{ALL, look};

/// Rows of a matrix over linear sRGB.
type Matrix = [[f64; 3]; 3];

const VISIONS: [(&str, Matrix); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protan",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deutan",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritan",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// Linear sRGB to XYZ under D65.
const XYZ: Matrix = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];

const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];

fn apply(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

/// L*, a* and b* of a colour as seen with this vision.
fn lab(color: Color32, vision: &Matrix) -> [f64; 3] {
    let linear = [color.r(), color.g(), color.b()].map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let seen = apply(vision, linear).map(|c| c.clamp(0.0, 1.0));
    let xyz = apply(&XYZ, seen);
    let f = |value: f64| {
        if value > (6.0_f64 / 29.0).powi(3) {
            value.cbrt()
        } else {
            value / (3.0 * (6.0_f64 / 29.0).powi(2)) + 4.0 / 29.0
        }
    };
    let [x, y, z] = [f(xyz[0] / WHITE[0]), f(xyz[1] / WHITE[1]), f(xyz[2] / WHITE[2])];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Hue angle, degrees from 0 to 360; 0 for grey.
fn hue(a: f64, b: f64) -> f64 {
    if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) }
}

/// CIEDE2000 between two L*a*b* colours.
fn delta_e(one: [f64; 3], two: [f64; 3]) -> f64 {
    let pow7 = |c: f64| (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt();
    let [l1, a1, b1] = one;
    let [l2, a2, b2] = two;
    let g = 0.5 * (1.0 - pow7(f64::midpoint(a1.hypot(b1), a2.hypot(b2))));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let mean_hue = match h1 + h2 {
        sum if grey => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => (sum + 360.0) / 2.0,
        sum => (sum - 360.0) / 2.0,
    };
    let (mean_l, mean_c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(mean_hue - 30.0) + 0.24 * cos(2.0 * mean_hue) + 0.32 * cos(3.0 * mean_hue + 6.0)
        - 0.20 * cos(4.0 * mean_hue - 63.0);
    let from_fifty = (mean_l - 50.0).powi(2);
    let lightness = (l2 - l1) / (1.0 + 0.015 * from_fifty / (20.0 + from_fifty).sqrt());
    let chroma = (c2 - c1) / (1.0 + 0.045 * mean_c);
    let hue = 2.0 * (c1 * c2).sqrt() * (turn.to_radians() / 2.0).sin() / (1.0 + 0.015 * mean_c * t);
    let rotation = (60.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp()).to_radians().sin();
    let mixed = -rotation * 2.0 * pow7(mean_c) * chroma * hue;
    (lightness.powi(2) + chroma.powi(2) + hue.powi(2) + mixed).sqrt()
}

#[test]
fn the_distance_is_that_of_the_published_pairs() {
    for (one, two, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
        ([50.0, 2.5, 0.0], [50.0, 0.0, -2.5], 4.3065),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([50.0, 2.5, 0.0], [61.0, -5.0, 29.0], 22.8977),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        let got = delta_e(one, two);
        assert!((got - expected).abs() < 0.0001, "{one:?} {two:?}: {got} instead of {expected}");
    }
}

/// The nearest two verdicts of a theme over all visions, and which they are. Unknown has no hue of its own: it is
/// apart by its lightness, beside its dashed ring and hatched bar.
fn nearest(tokens: &Tokens) -> (f64, String) {
    let verdicts = ALL.map(look);
    let mut nearest = (f64::INFINITY, String::new());
    for (vision, matrix) in &VISIONS {
        for (at, one) in verdicts.iter().enumerate() {
            for two in verdicts.iter().skip(at + 1) {
                let apart = delta_e(lab(one.color(tokens), matrix), lab(two.color(tokens), matrix));
                if apart < nearest.0 {
                    nearest = (apart, format!("{} and {}, {vision}", one.word, two.word));
                }
            }
        }
    }
    nearest
}

#[test]
fn no_two_verdicts_look_alike_to_anyone() {
    let themes = themes().unwrap();
    for (tokens, floor) in [(&themes.dark, 11.0), (&themes.light, 15.0), (&themes.high_contrast, 11.0)] {
        let (apart, which) = nearest(tokens);
        assert!(apart >= floor, "{}: {which}: {apart:.1} apart instead of {floor}", tokens.name);
    }
}

#[test]
fn every_verdict_is_readable_on_every_surface() {
    let themes = themes().unwrap();
    for tokens in [&themes.dark, &themes.light, &themes.high_contrast] {
        for look in ALL.map(look) {
            for surface in tokens.surfaces() {
                let ratio = contrast(look.color(tokens), surface);
                assert!(ratio >= 4.5, "{} {}: {ratio:.2}", tokens.name, look.word);
            }
        }
    }
}
