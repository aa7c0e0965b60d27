//! The bytes of a file, by place: a plain file anywhere, a compressed one only from its beginning.
//!
//! Invariants: nothing is mapped into memory (a file that shrinks must be an error, not a crash); a file is
//! read as long as it was when it was opened, so that a growing one gives a whole answer about a past moment;
//! what a compressed file gives out is bounded by bytes given, not by a ratio; every byte taken is counted.

use crate::safety::budget::BudgetReader;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};

/// Something with bytes by place.
pub trait ByteStore {
    /// Reads at a place; fewer bytes than asked for only at the end.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// How many bytes there are now.
    ///
    /// # Errors
    /// Those of the system.
    fn size(&self) -> io::Result<u64>;
}

impl ByteStore for File {
    #[cfg(unix)]
    fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, place)
    }

    #[cfg(windows)]
    fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buf, place)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl<T: ByteStore + ?Sized> ByteStore for Box<T> {
    fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(place, buf)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

/// Bytes by place, wherever they are: a local file, or ranges of a remote one.
pub type Bytes = Box<dyn ByteStore + Send + Sync>;

/// The file that a format reads.
pub type FileInput = Input<Bytes>;

impl ByteStore for Vec<u8> {
    fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(place).unwrap_or(usize::MAX).min(self.len());
        let len = buf.len().min(self.len() - start);
        buf[..len].copy_from_slice(&self[start..start + len]);
        Ok(len)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packing {
    /// As it is.
    Plain,
    /// gzip, of any number of members.
    Gzip,
    /// Zstandard, of any number of frames.
    Zstd,
    /// bzip2, of any number of streams.
    Bzip2,
    /// xz, of any number of streams.
    Xz,
}

impl Packing {
    /// By its first bytes; names lie.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, 0x08, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0xFD, b'7', b'z', b'X', b'Z', ..] => Self::Xz,
            _ => Self::Plain,
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

/// An opened file with a count of the bytes taken from it.
#[derive(Debug)]
pub struct Input<S> {
    source: S,
    len: u64,
    packing: Packing,
    taken: AtomicU64,
    last_place: AtomicU64,
}

/// How the coming reads lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Here and there: the system shall not read ahead.
    Scattered,
    /// From front to back.
    InOrder,
}

/// Tells the system how the coming reads of a file lie, where it listens: before the first one, since even a few
/// bytes make it read ahead. A preview must not pull in what nobody looks at.
pub fn advise(file: &File, access: Access) {
    #[cfg(target_os = "linux")]
    {
        let advice = match access {
            Access::Scattered => rustix::fs::Advice::Random,
            Access::InOrder => rustix::fs::Advice::Sequential,
        };
        // Only advice: a system that does not take it reads all the same.
        let _refused = rustix::fs::fadvise(file, 0, None, advice);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, access);
}

impl Input<File> {
    /// Tells the system how the coming reads lie.
    pub fn advise(&self, access: Access) {
        advise(&self.source, access);
    }
}

impl<S: ByteStore> Input<S> {
    /// Looks at a source's size and first bytes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(source: S) -> io::Result<Self> {
        let len = source.size()?;
        let input = Self {
            source,
            len,
            packing: Packing::Plain,
            taken: AtomicU64::new(0),
            last_place: AtomicU64::new(0),
        };
        let mut head = [0; 6];
        let got = input.take_at(0, &mut head)?;
        Ok(Self { packing: Packing::of(&head[..got]), ..input })
    }

    /// How it is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Bytes of the file when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it had none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes taken from the file so far, as it is packed.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The byte behind the last one taken: how far a reader with its own buffers has come.
    pub fn last_place(&self) -> u64 {
        self.last_place.load(Ordering::Relaxed)
    }

    /// The bytes as they lie in the file, for libraries that seek.
    pub fn cursor(&self) -> Cursor<'_, S> {
        Cursor { input: self, place: 0 }
    }

    /// How many bytes the file has now; differs from [`Input::len`] when it is written to meanwhile.
    ///
    /// # Errors
    /// Those of the system.
    pub fn size_now(&self) -> io::Result<u64> {
        self.source.size()
    }

    /// How many unpacked bytes a packed file says it has. A hint: gzip writes it modulo 4 GiB and for its last
    /// member only, zstd for its first frame and only sometimes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn unpacked_hint(&self) -> io::Result<Option<u64>> {
        const SHORTEST_GZIP: u64 = 18;
        match self.packing {
            Packing::Gzip if self.len >= SHORTEST_GZIP => {
                let mut trailer = [0; 4];
                let got = self.take_at(self.len - 4, &mut trailer)?;
                Ok((got == trailer.len()).then(|| u32::from_le_bytes(trailer).into()))
            }
            Packing::Zstd => {
                let mut header = [0; 18];
                let got = self.take_at(0, &mut header)?;
                Ok(zstd::zstd_safe::get_frame_content_size(&header[..got]).ok().flatten())
            }
            Packing::Plain | Packing::Gzip | Packing::Bzip2 | Packing::Xz => Ok(None),
        }
    }

    fn take_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(place);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        if want == 0 {
            return Ok(0);
        }
        let got = self.source.read_at(place, &mut buf[..want])?;
        self.taken.fetch_add(got as u64, Ordering::Relaxed);
        self.last_place.store(place + got as u64, Ordering::Relaxed);
        if got == 0 {
            let what = format!("the file had {} bytes when it was opened and ends at {place} now", self.len);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(got)
    }

    /// A stretch of a plain file; shorter where the file ends.
    ///
    /// # Errors
    /// Those of the system; that the file has become shorter.
    pub fn window(&self, place: u64, len: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.len.saturating_sub(place)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.take_at(place + filled as u64, &mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    /// The unpacked bytes from `place` up to `end`, of which a packed file gives at most `most_bytes`.
    ///
    /// Places of a packed file count unpacked bytes; those before `place` are unpacked and thrown away.
    ///
    /// # Errors
    /// Those of the system and of the packing.
    pub fn stream(&self, place: u64, end: Option<u64>, most_bytes: u64) -> io::Result<Box<dyn Read + '_>>
    where
        S: Sync,
    {
        const PACKED_AT_A_TIME: usize = 64 << 10;
        // Memory that a frame may ask for: 2^27 bytes is what the zstd tool itself allows.
        const ZSTD_WINDOW_LOG: u32 = 27;
        const XZ_MEMORY: u64 = 128 << 20;
        if self.packing == Packing::Plain {
            let end = end.unwrap_or(self.len).min(self.len);
            return Ok(Box::new(Stretch { input: self, place, end }));
        }
        let packed =
            BufReader::with_capacity(PACKED_AT_A_TIME, Stretch { input: self, place: 0, end: self.len });
        let unpacked: Box<dyn Read + '_> = match self.packing {
            Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Packing::Xz => {
                // Memory that a stream may ask for: 128 MiB holds the dictionaries of every preset.
                let decoder =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED);
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, decoder.map_err(io::Error::from)?))
            }
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Packing::Gzip | Packing::Plain => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        };
        let mut bounded = BudgetReader::new(unpacked, most_bytes);
        io::copy(&mut bounded.by_ref().take(place), &mut io::sink())?;
        match end {
            Some(end) => Ok(Box::new(bounded.take(end.saturating_sub(place)))),
            None => Ok(Box::new(bounded)),
        }
    }
}

/// A file as a reader that seeks; ends where the file ended when it was opened.
#[derive(Debug)]
pub struct Cursor<'a, S> {
    input: &'a Input<S>,
    place: u64,
}

impl<S: ByteStore> Read for Cursor<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.input.take_at(self.place, buf)?;
        self.place += got as u64;
        Ok(got)
    }
}

impl<S: ByteStore> Seek for Cursor<'_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(step) => self.input.len.checked_add_signed(step),
            SeekFrom::Current(step) => self.place.checked_add_signed(step),
        };
        self.place = place.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning of the file")
        })?;
        Ok(self.place)
    }
}

/// A part of a file as a reader.
struct Stretch<'a, S> {
    input: &'a Input<S>,
    place: u64,
    end: u64,
}

impl<S: ByteStore> Read for Stretch<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.place)).unwrap_or(usize::MAX);
        let want = left.min(buf.len());
        if want == 0 {
            return Ok(0);
        }
        let got = self.input.take_at(self.place, &mut buf[..want])?;
        self.place += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Mutex;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_all(source: Vec<u8>, place: u64, end: Option<u64>, most: u64) -> (Vec<u8>, io::Result<usize>) {
        let input = Input::open(source).unwrap();
        let mut bytes = Vec::new();
        let result = input.stream(place, end, most).and_then(|mut stream| stream.read_to_end(&mut bytes));
        (bytes, result)
    }

    #[test]
    fn every_packing_gives_the_same_bytes() {
        let text: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let (first, second) = text.split_at(70_000);
        let two_members = [gzip(first), gzip(second)].concat();
        let zstd = [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()].concat();
        let bzip2 = [bzip2(first), bzip2(second)].concat();
        let xz = [xz(first), xz(second)].concat();
        for (packed, packing) in [
            (text.clone(), Packing::Plain),
            (two_members, Packing::Gzip),
            (zstd, Packing::Zstd),
            (bzip2, Packing::Bzip2),
            (xz, Packing::Xz),
        ] {
            assert_eq!(Input::open(packed.clone()).unwrap().packing(), packing);
            for (place, end) in [(0, None), (65_000, None), (5, Some(75_000)), (400_000, None)] {
                let (bytes, result) = read_all(packed.clone(), place, end, u64::MAX);
                assert!(result.is_ok());
                let end = end.map_or(text.len(), |end| end as usize);
                assert_eq!(bytes, &text[place as usize..end], "{packing:?} from {place}");
            }
        }
    }

    #[test]
    fn a_small_file_that_unpacks_to_much_stops_at_the_budget() {
        let bomb = gzip(&vec![b'a'; 10 << 20]);
        assert!(bomb.len() < 500_000);
        let (bytes, result) = read_all(bomb, 0, None, 1 << 20);
        assert_eq!(bytes.len(), 1 << 20);
        assert!(crate::safety::budget::exhausted(&result.unwrap_err()).is_some());
    }

    #[test]
    fn a_packed_file_may_say_how_large_it_was() {
        let text = b"1,2,3\n".repeat(1000);
        let hint = |source: Vec<u8>| Input::open(source).unwrap().unpacked_hint().unwrap();
        assert_eq!(hint(gzip(&text)), Some(6000));
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_pledged_src_size(Some(6000)).unwrap();
        encoder.write_all(&text).unwrap();
        assert_eq!(hint(encoder.finish().unwrap()), Some(6000));
        assert_eq!(hint(text), None);
        assert_eq!(hint(vec![0x1F, 0x8B, 0x08]), None);
    }

    #[test]
    fn a_packed_file_that_is_cut_off_gives_what_it_has() {
        let text = "1,2,3\n".repeat(50_000).into_bytes();
        let mut packed = gzip(&text);
        packed.truncate(packed.len() - 20);
        let (bytes, result) = read_all(packed, 0, None, u64::MAX);
        assert!(result.is_err());
        assert!(!bytes.is_empty() && text.starts_with(&bytes));
    }

    /// A file whose size changes under the reader.
    struct Changing {
        bytes: Mutex<Vec<u8>>,
    }

    impl ByteStore for &Changing {
        fn read_at(&self, place: u64, buf: &mut [u8]) -> io::Result<usize> {
            self.bytes.lock().unwrap().read_at(place, buf)
        }

        fn size(&self) -> io::Result<u64> {
            self.bytes.lock().unwrap().size()
        }
    }

    #[test]
    fn a_growing_file_is_read_as_it_was_and_a_shrinking_one_says_so() {
        let file = Changing { bytes: Mutex::new(b"1,2\n3,4\n".to_vec()) };
        let input = Input::open(&file).unwrap();
        file.bytes.lock().unwrap().extend(b"5,6\n");
        let mut text = String::new();
        input.stream(0, None, u64::MAX).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "1,2\n3,4\n");
        assert_eq!((input.len(), input.size_now().unwrap()), (8, 12));
        file.bytes.lock().unwrap().truncate(2);
        let mut bytes = Vec::new();
        let error = input.stream(0, None, u64::MAX).unwrap().read_to_end(&mut bytes).unwrap_err();
        assert_eq!((error.kind(), bytes.as_slice()), (io::ErrorKind::UnexpectedEof, &b"1,"[..]));
        assert!(input.window(4, 4).is_err());
    }

    #[test]
    fn every_byte_taken_is_counted() {
        let input = Input::open(vec![b'x'; 1000]).unwrap();
        let before = input.taken();
        input.window(10, 100).unwrap();
        input.stream(900, None, u64::MAX).unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(input.taken() - before, 200);
    }
}
