//! Packed sets: all pictures in `pictures.tar` (POSIX ustar, uncompressed), all objects in
//! `labels.csv.gz` with the columns `file,split,width,height,class,xmin,ymin,xmax,ymax,difficult`;
//! boxes are edges in pixels from 0. Pictures are read where they lie, nothing is unpacked.

use crate::listing::stem;
use crate::{Dataset, Edges, Error, Form, Object, Oddities, Picture, Place};
use flate2::read::GzDecoder;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// The largest table that is read, in bytes.
const MAX_TABLE_BYTES: u64 = 128 << 20;

const COLUMNS: [&str; 9] = [
    "file",
    "width",
    "height",
    "class",
    "xmin",
    "ymin",
    "xmax",
    "ymax",
    "difficult",
];

/// Whether a packed set lies there.
pub(super) fn is_there(root: &Path) -> bool {
    root.join("pictures.tar").is_file() && root.join("labels.csv.gz").is_file()
}

/// Reads it.
pub(super) fn open(root: &Path) -> Result<Dataset, Error> {
    let table = root.join("labels.csv.gz");
    let mut text = String::new();
    let read = File::open(&table).and_then(|file| {
        GzDecoder::new(file)
            .take(MAX_TABLE_BYTES + 1)
            .read_to_string(&mut text)
    });
    if read.map_err(Error::io(&table))? as u64 > MAX_TABLE_BYTES {
        let what = format!("more than {MAX_TABLE_BYTES} bytes, unpacked");
        return Err(Error::form(&table, what));
    }
    let mut oddities = Oddities::default();
    let rows = rows(&text, &mut oddities).map_err(|what| Error::form(&table, what))?;
    let mut by_file: HashMap<&str, Vec<&Row<'_>>> = HashMap::new();
    for row in &rows {
        by_file.entry(row.file).or_default().push(row);
    }
    let names: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.class).collect();
    let classes: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (*name, i))
        .collect();

    let archive: Arc<Path> = root.join("pictures.tar").into();
    let mut pictures = Vec::new();
    for member in members(&archive)? {
        let rows = by_file.remove(member.name.as_str()).unwrap_or_default();
        pictures.push(Picture {
            name: stem(Path::new(&member.name)),
            place: Place::Member {
                archive: archive.clone(),
                start: member.start,
                bytes: member.bytes,
            },
            size: rows.first().map(|row| row.size),
            objects: rows.iter().map(|row| row.object(&classes)).collect(),
        });
    }
    let mut lost: Vec<_> = by_file.into_keys().collect();
    lost.sort_unstable();
    lost.iter()
        .for_each(|file| oddities.note("labels without a picture", file));
    pictures.sort_by(|a, b| a.name.cmp(&b.name));
    let classes = names.iter().map(|name| name.to_string()).collect();
    Ok(Dataset {
        form: Form::Packed,
        root: root.to_path_buf(),
        classes,
        pictures,
        oddities,
    })
}

/// A row of the table: one object.
struct Row<'a> {
    file: &'a str,
    size: [usize; 2],
    class: &'a str,
    edges: Edges,
    difficult: bool,
}

impl Row<'_> {
    fn object(&self, classes: &BTreeMap<&str, usize>) -> Object {
        Object {
            ignored: self.difficult,
            ..Object::new(classes[self.class], self.edges)
        }
    }
}

fn rows<'a>(text: &'a str, oddities: &mut Oddities) -> Result<Vec<Row<'a>>, String> {
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
    let mut columns = [0; COLUMNS.len()];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|found| *found == name);
        *column = found.ok_or_else(|| format!("there is no column '{name}'"))?;
    }
    let mut rows = Vec::new();
    for (number, line) in lines.enumerate() {
        match row(line, &columns) {
            Some(row) => rows.push(row),
            None => oddities.note(
                "row without a sound box",
                format_args!("line {}", number + 2),
            ),
        }
    }
    Ok(rows)
}

fn row<'a>(line: &'a str, columns: &[usize; COLUMNS.len()]) -> Option<Row<'a>> {
    let cells: Vec<&str> = line.split(',').collect();
    let cell = |column: usize| cells.get(columns[column]).copied();
    let mut edges = [0.0; 4];
    for (i, edge) in edges.iter_mut().enumerate() {
        *edge = cell(4 + i)?.parse().ok()?;
    }
    Some(Row {
        file: cell(0)?,
        size: [cell(1)?.parse().ok()?, cell(2)?.parse().ok()?],
        class: cell(3)?,
        edges: Edges::sound(edges)?,
        difficult: cell(8)? == "1",
    })
}

/// A file in the archive.
#[derive(Debug, PartialEq)]
struct Member {
    name: String,
    start: u64,
    bytes: u64,
}

/// A block of a tar archive.
const BLOCK: u64 = 512;

/// The files of an archive. Everything else in it (folders, links, extensions) is passed over.
fn members(archive: &Path) -> Result<Vec<Member>, Error> {
    let io = || Error::io(archive);
    let mut file = BufReader::new(File::open(archive).map_err(io())?);
    let length = file.get_ref().metadata().map_err(io())?.len();
    let (mut members, mut at) = (Vec::new(), 0);
    while at + BLOCK <= length {
        let mut header = [0u8; BLOCK as usize];
        file.seek(SeekFrom::Start(at)).map_err(io())?;
        file.read_exact(&mut header).map_err(io())?;
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let Some((name, bytes)) = entry(&header) else {
            let what = format!("no tar header at byte {at}");
            return Err(Error::form(archive, what));
        };
        let start = at + BLOCK;
        let end = start.checked_add(bytes).filter(|end| *end <= length);
        let Some(end) = end else {
            let what =
                format!("{name} should have {bytes} bytes from byte {start}, it has {length}");
            return Err(Error::form(archive, what));
        };
        if matches!(header[156], b'0' | 0) {
            members.push(Member { name, start, bytes });
        }
        at = end.next_multiple_of(BLOCK);
    }
    if members.is_empty() {
        return Err(Error::form(archive, "no file in it"));
    }
    Ok(members)
}

/// Name and size of an entry, if the block is a header.
fn entry(header: &[u8; BLOCK as usize]) -> Option<(String, u64)> {
    if &header[257..262] != b"ustar" {
        return None;
    }
    // The sum counts its own field as blanks.
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    let field: u64 = header[148..156].iter().map(|byte| u64::from(*byte)).sum();
    if octal(&header[148..156])? != sum - field + 8 * u64::from(b' ') {
        return None;
    }
    let name = String::from_utf8_lossy(until_zero(&header[..100])).into_owned();
    Some((name, octal(&header[124..136])?))
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(until_zero(field)).ok()?;
    u64::from_str_radix(text.trim(), 8).ok()
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, contents) in files {
            let mut header = [0u8; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
            header[148..156].fill(b' ');
            header[156] = b'0';
            header[257..262].copy_from_slice(b"ustar");
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            archive.extend(header);
            archive.extend(*contents);
            archive.resize(archive.len().next_multiple_of(512), 0);
        }
        archive.resize(archive.len() + 1024, 0);
        archive
    }

    fn folder(archive: &[u8], table: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pictures.tar"), archive).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(table.as_bytes()).unwrap();
        std::fs::write(folder.path().join("labels.csv.gz"), gzip.finish().unwrap()).unwrap();
        folder
    }

    const TABLE: &str = "file,split,width,height,class,xmin,ymin,xmax,ymax,difficult
b.jpg,val,20,30,dog,1.5,2,3,4,0
b.jpg,val,20,30,cat,1,2,3,4,1
b.jpg,val,20,30,cat,1,2,0,4,1
gone.jpg,val,20,30,cat,1,2,3,4,0
short,row
";

    #[test]
    fn a_set() {
        let folder = folder(&tar(&[("b.jpg", b"second"), ("a.jpg", b"first")]), TABLE);
        let set = Dataset::open(folder.path(), &[]).unwrap();
        assert_eq!(
            (set.form, set.classes.join(" ")),
            (Form::Packed, "cat dog".into())
        );
        let [a, b] = &set.pictures[..] else {
            panic!("{:?}", set.pictures)
        };
        assert_eq!(
            (&*a.read().unwrap(), &*b.read().unwrap()),
            (&b"first"[..], &b"second"[..])
        );
        let dog = Object::new(1, Edges::new([1.5, 2.0, 3.0, 4.0]));
        let cat = Object {
            ignored: true,
            ..Object::new(0, Edges::new([1.0, 2.0, 3.0, 4.0]))
        };
        assert_eq!((&b.objects[..], b.size), (&[dog, cat][..], Some([20, 30])));
        let lines: Vec<_> = set.oddities.lines().collect();
        assert_eq!(
            lines,
            [
                "row without a sound box: line 4 and 1 more",
                "labels without a picture: gone.jpg"
            ]
        );
    }

    /// What was beyond the limit was cut off and the rest was used.
    #[test]
    fn a_table_beyond_the_limit_is_refused() {
        let folder = folder(&tar(&[("b.jpg", b"second")]), TABLE);
        let file = File::create(folder.path().join("labels.csv.gz")).unwrap();
        let mut gzip = GzEncoder::new(file, Compression::fast());
        gzip.write_all(TABLE.as_bytes()).unwrap();
        let blank = vec![b'\n'; 1 << 20];
        for _ in 0..MAX_TABLE_BYTES >> 20 {
            gzip.write_all(&blank).unwrap();
        }
        gzip.finish().unwrap();
        let error = Dataset::open(folder.path(), &[]).unwrap_err().to_string();
        assert!(error.contains("more than 134217728 bytes"), "{error}");
    }

    #[test]
    fn damaged_archives_are_errors() {
        let whole = tar(&[("a.jpg", &[7; 700])]);
        let mut turned = whole.clone();
        turned[130] ^= 1;
        for archive in [&whole[..600], &turned, &[1; 512], b""] {
            let error = Dataset::open(folder(archive, TABLE).path(), &[]).unwrap_err();
            assert!(format!("{error}").contains("pictures.tar"), "{error}");
        }
        let error = Dataset::open(folder(&whole, "file,class\n").path(), &[]).unwrap_err();
        assert!(format!("{error}").contains("no column 'width'"), "{error}");
    }
}
