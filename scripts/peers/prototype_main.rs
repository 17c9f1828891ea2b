
// Appended to the prototype, whose own `main` is renamed: all seven layers on request, as
// models/engine/examples/peer.rs does it.
fn main() {
    use std::io::BufRead;
    assert!(is_x86_feature_detected!("avx2"), "the prototype needs AVX2");
    let mut r = Rng(0x9e3779b97f4a7c15);
    let layers: Vec<Layer> = SH.iter().map(|shape| layer(*shape, &mut r)).collect();
    let mut scratch = Scratch { tb: Buf::new(4 << 20), cs: Buf::new(1 << 14), area: Buf::new(1 << 12), acc: Buf::new(43 * 16) };
    let mut maps: Vec<Vec<u8>> = vec![(0..208 * 208 * 16).map(|_| (r.next() >> 40 & 7) as u8).collect()];
    for shape in SH {
        let side = if shape.pool == 2 { shape.h / 2 } else { shape.h };
        maps.push(vec![0; side * side * shape.co]);
    }
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let frames: u32 = line.unwrap().trim().parse().unwrap();
        let start = std::time::Instant::now();
        for _ in 0..frames {
            for (i, l) in layers.iter().enumerate() {
                let (read, written) = maps.split_at_mut(i + 1);
                // SAFETY: AVX2 is there, as asserted; each map has the size that its layer reads or writes.
                unsafe { conv(l, &mut scratch, read[i].as_ptr(), written[0].as_mut_ptr()) };
            }
        }
        println!("{}", start.elapsed().as_nanos() / frames as u128);
    }
}
