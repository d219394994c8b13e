#include "storage/wal/mark.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/errors.h"
#include "storage/wal/bytes.h"
#include "storage/wal/checksum.h"

namespace storage::wal {

namespace {

constexpr uint32_t kMarkMagic = 0x314b4d52;  // "RMK1"
constexpr uint32_t kMarkVersion = 1;
constexpr size_t kChecksumOffset = MarkFile::kCopyBytes - 4;

void Encode(const Mark& mark, char (&to)[MarkFile::kCopyBytes]) {
  std::fill(std::begin(to), std::end(to), '\0');
  StoreLittleEndian(kMarkMagic, to);
  StoreLittleEndian(kMarkVersion, to + 4);
  StoreLittleEndian(mark.count, to + 8);
  StoreLittleEndian(mark.segment, to + 16);
  StoreLittleEndian(mark.batch, to + 24);
  StoreLittleEndian(mark.sequence, to + 32);
  StoreLittleEndian(uint32_t{mark.clean}, to + 40);
  StoreLittleEndian(ChecksumOf({to, kChecksumOffset}), to + kChecksumOffset);
}

// Nothing for a copy that a crash has torn.
absl::StatusOr<absl::optional<Mark>> Decode(absl::string_view bytes, absl::string_view path) {
  if (bytes.size() != MarkFile::kCopyBytes ||
      ChecksumOf(bytes.substr(0, kChecksumOffset)) !=
          LoadLittleEndian<uint32_t>(bytes.data() + kChecksumOffset)) {
    return absl::optional<Mark>();
  }
  ByteReader reader(bytes);
  if (reader.Read<uint32_t>() != kMarkMagic) return absl::optional<Mark>();
  if (const uint32_t version = reader.Read<uint32_t>(); version != kMarkVersion) {
    return BadFormat(path, absl::StrCat("a mark of version ", version));
  }
  Mark mark;
  mark.count = reader.Read<uint64_t>();
  mark.segment = reader.Read<uint64_t>();
  mark.batch = reader.Read<uint64_t>();
  mark.sequence = reader.Read<uint64_t>();
  mark.clean = reader.Read<uint32_t>() != 0;
  return absl::optional<Mark>(mark);
}

absl::StatusOr<absl::optional<Mark>> ReadNewest(const File& file, const std::string& path) {
  absl::optional<Mark> newest;
  bool was_mark = false;
  for (uint64_t offset : {uint64_t{0}, MarkFile::kCopyOffset}) {
    char bytes[MarkFile::kCopyBytes];
    const absl::StatusOr<size_t> read = ReadFully(file, offset, bytes, sizeof(bytes));
    if (!read.ok()) return read.status();
    was_mark |= ByteReader({bytes, *read}).Read<uint32_t>() == kMarkMagic;
    const absl::StatusOr<absl::optional<Mark>> copy = Decode({bytes, *read}, path);
    if (!copy.ok()) return copy.status();
    const absl::optional<Mark>& mark = *copy;
    if (mark.has_value() && (!newest.has_value() || mark->count > newest->count)) newest = mark;
  }
  // A crash mixes bytes of two marks, and their magic is the same.
  if (!was_mark) return Corruption(path, 0, Damage::kHeader, "it holds nothing like a mark");
  return newest;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MarkFile>> MarkFile::Create(FileSystem& fs, const std::string& path,
                                                           const Mark& mark) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  std::unique_ptr<MarkFile> mark_file(new MarkFile(*std::move(file)));
  if (absl::Status s = mark_file->file_->Allocate(kFileBytes); !s.ok()) return s;
  if (absl::Status s = mark_file->Write(mark); !s.ok()) return s;
  if (absl::Status s = mark_file->Sync(); !s.ok()) return s;
  return mark_file;
}

absl::StatusOr<std::unique_ptr<MarkFile>> MarkFile::Open(FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kWrite);
  if (!file.ok()) return file.status();
  const absl::StatusOr<absl::optional<Mark>> newest = ReadNewest(**file, path);
  if (!newest.ok()) return newest.status();
  std::unique_ptr<MarkFile> mark_file(new MarkFile(*std::move(file)));
  mark_file->newest_ = *newest;
  return mark_file;
}

absl::StatusOr<absl::optional<Mark>> MarkFile::Read(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  return ReadNewest(**file, path);
}

absl::Status MarkFile::Write(Mark mark) {
  mark.count = newest_.has_value() ? newest_->count + 1 : 1;
  char bytes[kCopyBytes];
  Encode(mark, bytes);
  const absl::string_view piece(bytes, sizeof(bytes));
  const uint64_t offset = mark.count % 2 == 0 ? 0 : kCopyOffset;
  if (absl::Status s = WriteFully(*file_, offset, {&piece, 1}); !s.ok()) return s;
  newest_ = mark;
  return absl::OkStatus();
}

}  // namespace storage::wal
