#include "storage/snapshot_file.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "raftpb/wire.h"
#include "storage/errors.h"
#include "storage/wal/bytes.h"
#include "storage/wal/checksum.h"

namespace storage {

namespace {

using wal::AppendLittleEndian;
using wal::ByteReader;
using wal::Checksum;
using wal::ChecksumOf;
using wal::LoadLittleEndian;
using wal::StoreLittleEndian;

constexpr uint32_t kHeaderMagic = 0x314e5352;   // "RSN1"
constexpr uint32_t kChunkMagic = 0x31435352;    // "RSC1"
constexpr uint32_t kTrailerMagic = 0x31455352;  // "RSE1"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderPrefixBytes = 32;
constexpr size_t kChunkHeaderBytes = 24;
constexpr size_t kTrailerBytes = 32;

class Hash {
 public:
  Hash() : state_(XXH3_createState()) { XXH3_64bits_reset(state_.get()); }
  void Add(absl::string_view bytes) {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
  }
  uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

std::string Encode(const SnapshotFileHeader& header) {
  const std::string metadata = raftpb::Encode(header.metadata);
  std::string bytes;
  AppendLittleEndian(kHeaderMagic, bytes);
  AppendLittleEndian(kVersion, bytes);
  AppendLittleEndian(header.cluster_id, bytes);
  AppendLittleEndian(header.group, bytes);
  AppendLittleEndian(header.chunk_bytes, bytes);
  AppendLittleEndian(static_cast<uint32_t>(metadata.size()), bytes);
  bytes += metadata;
  AppendLittleEndian(ChecksumOf(bytes), bytes);
  return bytes;
}

uint32_t SeedOf(absl::string_view header_bytes) {
  return LoadLittleEndian<uint32_t>(header_bytes.data() + header_bytes.size() - 4);
}

// A sound header and its bytes. Status only for errors of reading; `why` for everything else.
struct HeaderBytes {
  absl::optional<SnapshotFileHeader> header;
  std::string bytes;
  bool known_format = true;
  std::string why;
};

absl::StatusOr<HeaderBytes> ReadHeader(const File& file, uint64_t file_bytes) {
  HeaderBytes result;
  std::string& bytes = result.bytes;
  bytes.resize(kHeaderPrefixBytes);
  absl::StatusOr<size_t> read = ReadFully(file, 0, bytes.data(), bytes.size());
  if (!read.ok()) return read.status();
  ByteReader reader(absl::string_view(bytes).substr(0, *read));
  const uint32_t magic = reader.Read<uint32_t>();
  const uint32_t version = reader.Read<uint32_t>();
  SnapshotFileHeader header;
  header.cluster_id = reader.Read<uint64_t>();
  header.group = reader.Read<uint64_t>();
  header.chunk_bytes = reader.Read<uint32_t>();
  const uint32_t metadata_bytes = reader.Read<uint32_t>();
  const uint64_t header_bytes = kHeaderPrefixBytes + uint64_t{metadata_bytes} + 4;
  if (!reader.ok() || header_bytes > file_bytes) {
    result.why = "the file ends inside its header";
    return result;
  }
  if (magic != kHeaderMagic || version != kVersion) {
    result.known_format = false;
    result.why = absl::StrCat("magic ", absl::Hex(magic), ", version ", version);
    return result;
  }
  bytes.resize(header_bytes);
  read = ReadFully(file, kHeaderPrefixBytes, bytes.data() + kHeaderPrefixBytes,
                   bytes.size() - kHeaderPrefixBytes);
  if (!read.ok()) return read.status();
  const absl::string_view sealed = absl::string_view(bytes).substr(0, bytes.size() - 4);
  if (*read + kHeaderPrefixBytes != bytes.size() || ChecksumOf(sealed) != SeedOf(bytes) ||
      header.chunk_bytes == 0 || header.chunk_bytes > kMaxSnapshotChunkBytes ||
      !raftpb::Decode(sealed.substr(kHeaderPrefixBytes), header.metadata).ok()) {
    result.why = "the header does not match its checksum";
    return result;
  }
  result.header = std::move(header);
  return result;
}

// Reads the chunk that starts at `offset` with the data from `position` on. Nothing if there is
// no sound chunk.
absl::StatusOr<absl::optional<std::string>> ReadChunk(const File& file, uint64_t file_bytes,
                                                      uint64_t offset, uint64_t position,
                                                      uint32_t chunk_bytes, uint32_t seed) {
  char header[kChunkHeaderBytes];
  absl::StatusOr<size_t> read = ReadFully(file, offset, header, sizeof(header));
  if (!read.ok()) return read.status();
  const uint32_t size = LoadLittleEndian<uint32_t>(header + 4);
  if (*read != sizeof(header) || LoadLittleEndian<uint32_t>(header) != kChunkMagic ||
      LoadLittleEndian<uint64_t>(header + 8) != position || size == 0 || size > chunk_bytes ||
      LoadLittleEndian<uint32_t>(header + 20) != 0 ||
      offset + kChunkHeaderBytes + size > file_bytes) {
    return absl::optional<std::string>();
  }
  std::string data(size, '\0');
  read = ReadFully(file, offset + kChunkHeaderBytes, data.data(), size);
  if (!read.ok()) return read.status();
  Checksum checksum(seed);
  checksum.Add({header, 16});
  checksum.Add(data);
  if (*read != size || checksum.value() != LoadLittleEndian<uint32_t>(header + 16)) {
    return absl::optional<std::string>();
  }
  return absl::make_optional(std::move(data));
}

// --- Writing -------------------------------------------------------------------------------------

class FileSnapshotWriter : public SnapshotWriter {
 public:
  FileSnapshotWriter(FileSystem& fs, std::string directory, SnapshotFileHeader header)
      : fs_(fs),
        directory_(std::move(directory)),
        header_(std::move(header)),
        header_bytes_(Encode(header_)),
        partial_(JoinPath(directory_, SnapshotName(header_.metadata.id(), kPartialSuffix))),
        complete_(JoinPath(directory_, SnapshotName(header_.metadata.id(), kCompleteSuffix))) {}

  absl::Status Open() {
    absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(partial_, OpenMode::kWrite);
    const bool resumed = file.ok();
    if (absl::IsNotFound(file.status())) file = fs_.Open(partial_, OpenMode::kCreate);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    hash_.Add(header_bytes_);
    if (resumed) {
      if (absl::Status s = Resume(); !s.ok()) return s;
    }
    if (end_ > 0) return absl::OkStatus();
    if (absl::Status s = file_->Truncate(0); !s.ok()) return s;
    const absl::string_view piece = header_bytes_;
    if (absl::Status s = WriteFully(*file_, 0, {&piece, 1}); !s.ok()) return s;
    end_ = header_bytes_.size();
    return absl::OkStatus();
  }

  uint64_t offset() const override { return written_ + waiting_.size(); }

  absl::Status Append(const absl::Cord& data) override {
    if (!error_.ok()) return error_;
    waiting_.Append(data);
    while (waiting_.size() >= header_.chunk_bytes) {
      if (absl::Status s = WriteChunk(header_.chunk_bytes); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (!error_.ok()) return error_;
    if (!waiting_.empty()) {
      if (absl::Status s = WriteChunk(waiting_.size()); !s.ok()) return s;
    }
    if (absl::Status s = WriteTrailer(); !s.ok()) return error_ = s;
    if (absl::Status s = file_->Sync(); !s.ok()) {
      // What is on disk is unknown, and a later sync would not tell.
      (void)fs_.Remove(partial_);
      return error_ = s;
    }
    error_ = absl::FailedPreconditionError("the snapshot was committed");
    if (absl::Status s = fs_.Rename(partial_, complete_); !s.ok()) return s;
    return fs_.SyncDirectory(directory_);
  }

  absl::Status Discard() override {
    error_ = absl::FailedPreconditionError("the snapshot was discarded");
    file_.reset();
    return fs_.Remove(partial_);
  }

 private:
  // Takes the whole chunks that are there, as the disk has them; everything else is written again.
  absl::Status Resume() {
    const absl::StatusOr<std::unique_ptr<File>> on_disk = fs_.Open(partial_, OpenMode::kReadDirect);
    if (!on_disk.ok()) return on_disk.status();
    const absl::StatusOr<uint64_t> size = (*on_disk)->Size();
    if (!size.ok()) return size.status();
    const absl::StatusOr<HeaderBytes> header = ReadHeader(**on_disk, *size);
    if (!header.ok()) return header.status();
    if (!header->header.has_value() || !(*header->header == header_)) return absl::OkStatus();
    end_ = header_bytes_.size();
    while (true) {
      const auto chunk =
          ReadChunk(**on_disk, *size, end_, written_, header_.chunk_bytes, SeedOf(header_bytes_));
      if (!chunk.ok()) return chunk.status();
      if (!chunk->has_value() || (*chunk)->size() != header_.chunk_bytes) break;
      hash_.Add(**chunk);
      end_ += kChunkHeaderBytes + (*chunk)->size();
      written_ += (*chunk)->size();
    }
    return file_->Truncate(end_);
  }

  absl::Status WriteChunk(size_t size) {
    const absl::Cord data = waiting_.Subcord(0, size);
    char header[kChunkHeaderBytes] = {};
    StoreLittleEndian(kChunkMagic, header);
    StoreLittleEndian(static_cast<uint32_t>(size), header + 4);
    StoreLittleEndian(written_, header + 8);
    Checksum checksum(SeedOf(header_bytes_));
    checksum.Add({header, 16});
    absl::InlinedVector<absl::string_view, 16> pieces = {{header, sizeof(header)}};
    for (absl::string_view piece : data.Chunks()) {
      checksum.Add(piece);
      hash_.Add(piece);
      pieces.push_back(piece);
    }
    StoreLittleEndian(checksum.value(), header + 16);
    if (absl::Status s = WriteFully(*file_, end_, pieces); !s.ok()) return error_ = s;
    end_ += kChunkHeaderBytes + size;
    written_ += size;
    waiting_.RemovePrefix(size);
    return absl::OkStatus();
  }

  absl::Status WriteTrailer() {
    char trailer[kTrailerBytes] = {};
    StoreLittleEndian(kTrailerMagic, trailer);
    StoreLittleEndian(written_, trailer + 8);
    StoreLittleEndian(hash_.value(), trailer + 16);
    StoreLittleEndian(ChecksumOf({trailer, kTrailerBytes - 4}, SeedOf(header_bytes_)),
                      trailer + kTrailerBytes - 4);
    const absl::string_view piece(trailer, sizeof(trailer));
    return WriteFully(*file_, end_, {&piece, 1});
  }

  FileSystem& fs_;
  const std::string directory_;
  const SnapshotFileHeader header_;
  const std::string header_bytes_;
  const std::string partial_;
  const std::string complete_;
  std::unique_ptr<File> file_;
  Hash hash_;
  absl::Cord waiting_;    // Less than a chunk.
  uint64_t written_ = 0;  // Of the data.
  uint64_t end_ = 0;      // Of the file.
  absl::Status error_;    // Once set, nothing more is taken.
};

// --- Reading -------------------------------------------------------------------------------------

class FileSnapshotReader : public SnapshotReader {
 public:
  FileSnapshotReader(std::string path, std::unique_ptr<File> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Open(uint64_t cluster_id, GroupId group, raft::EntryId id) {
    const absl::StatusOr<uint64_t> file_bytes = file_->Size();
    if (!file_bytes.ok()) return file_bytes.status();
    file_bytes_ = *file_bytes;
    absl::StatusOr<HeaderBytes> header = ReadHeader(*file_, file_bytes_);
    if (!header.ok()) return header.status();
    if (!header->known_format) return BadFormat(path_, header->why);
    if (!header->header.has_value()) return SnapshotCorrupt(path_, 0, header->why);
    header_ = *std::move(header->header);
    header_bytes_ = std::move(header->bytes);
    if (header_.cluster_id != cluster_id || header_.group != group) {
      return Foreign(path_, absl::StrCat("a snapshot of group ", header_.group, " of cluster ",
                                         header_.cluster_id));
    }
    if (header_.metadata.id() != id) {
      return Misplaced(path_, 0,
                       absl::StrCat("a snapshot at ", header_.metadata.index, " of term ",
                                    header_.metadata.term));
    }
    offset_ = header_bytes_.size();
    hash_.Add(header_bytes_);
    return ReadTrailer();
  }

  const raftpb::SnapshotMetadata& metadata() const override { return header_.metadata; }
  uint64_t size() const override { return size_; }

  absl::StatusOr<absl::Cord> Next() override {
    if (position_ == size_) return Conclude();
    auto chunk = ReadChunk(*file_, file_bytes_ - kTrailerBytes, offset_, position_,
                           header_.chunk_bytes, SeedOf(header_bytes_));
    if (!chunk.ok()) return chunk.status();
    if (!chunk->has_value() ||
        (*chunk)->size() != std::min<uint64_t>(header_.chunk_bytes, size_ - position_)) {
      return SnapshotCorrupt(path_, offset_, "a chunk does not match its checksum");
    }
    hash_.Add(**chunk);
    offset_ += kChunkHeaderBytes + (*chunk)->size();
    position_ += (*chunk)->size();
    return absl::Cord(*std::move(*chunk));
  }

  absl::StatusOr<uint64_t> Seek(uint64_t offset) override {
    if (offset > size_) {
      return absl::OutOfRangeError(absl::StrCat("byte ", offset, " of a snapshot of ", size_));
    }
    const uint64_t chunk = offset / header_.chunk_bytes;
    position_ = std::min(chunk * header_.chunk_bytes, size_);
    const uint64_t chunks_before = (position_ + header_.chunk_bytes - 1) / header_.chunk_bytes;
    offset_ = header_bytes_.size() + position_ + chunks_before * kChunkHeaderBytes;
    whole_ = false;
    return position_;
  }

 private:
  absl::Status ReadTrailer() {
    if (file_bytes_ < header_bytes_.size() + kTrailerBytes) {
      return SnapshotCorrupt(path_, file_bytes_, "the file ends before its trailer");
    }
    const uint64_t at = file_bytes_ - kTrailerBytes;
    char trailer[kTrailerBytes];
    const absl::StatusOr<size_t> read = ReadFully(*file_, at, trailer, sizeof(trailer));
    if (!read.ok()) return read.status();
    size_ = LoadLittleEndian<uint64_t>(trailer + 8);
    expected_hash_ = LoadLittleEndian<uint64_t>(trailer + 16);
    if (*read != sizeof(trailer) || LoadLittleEndian<uint32_t>(trailer) != kTrailerMagic ||
        ChecksumOf({trailer, kTrailerBytes - 4}, SeedOf(header_bytes_)) !=
            LoadLittleEndian<uint32_t>(trailer + kTrailerBytes - 4)) {
      return SnapshotCorrupt(path_, at, "the trailer does not match its checksum");
    }
    const uint64_t chunks = size_ / header_.chunk_bytes + (size_ % header_.chunk_bytes != 0);
    if (size_ > at || header_bytes_.size() + size_ + chunks * kChunkHeaderBytes != at) {
      return SnapshotCorrupt(path_, at, "the file has another length than its trailer says");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<absl::Cord> Conclude() {
    if (whole_ && hash_.value() != expected_hash_) {
      return SnapshotCorrupt(path_, 0, "the data does not match the hash of the whole");
    }
    return absl::Cord();
  }

  const std::string path_;
  const std::unique_ptr<File> file_;
  uint64_t file_bytes_ = 0;
  SnapshotFileHeader header_;
  std::string header_bytes_;
  Hash hash_;
  bool whole_ = true;  // Read from the start: the hash can be compared.
  uint64_t size_ = 0;  // Of the data.
  uint64_t expected_hash_ = 0;
  uint64_t position_ = 0;  // In the data.
  uint64_t offset_ = 0;    // In the file.
};

}  // namespace

std::string SnapshotName(raft::EntryId id, absl::string_view suffix) {
  return absl::StrCat(absl::Hex(id.index, absl::kZeroPad16), "-",
                      absl::Hex(id.term, absl::kZeroPad16), suffix);
}

absl::optional<raft::EntryId> ParseSnapshotName(absl::string_view name, absl::string_view suffix) {
  raft::EntryId id;
  if (name.size() != 33 + suffix.size() || !absl::SimpleHexAtoi(name.substr(0, 16), &id.index) ||
      !absl::SimpleHexAtoi(name.substr(17, 16), &id.term) || SnapshotName(id, suffix) != name) {
    return absl::nullopt;
  }
  return id;
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> OpenSnapshotWriter(FileSystem& fs,
                                                                   std::string directory,
                                                                   SnapshotFileHeader header) {
  auto writer = std::make_unique<FileSnapshotWriter>(fs, std::move(directory), std::move(header));
  if (absl::Status s = writer->Open(); !s.ok()) return s;
  return std::unique_ptr<SnapshotWriter>(std::move(writer));
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> OpenSnapshotReader(
    FileSystem& fs, const std::string& path, OpenMode mode, uint64_t cluster_id, GroupId group,
    raft::EntryId id) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, mode);
  if (absl::IsNotFound(file.status())) return SnapshotMissing(path, "there is no such file");
  if (!file.ok()) return file.status();
  auto reader = std::make_unique<FileSnapshotReader>(path, *std::move(file));
  if (absl::Status s = reader->Open(cluster_id, group, id); !s.ok()) return s;
  return std::unique_ptr<SnapshotReader>(std::move(reader));
}

}  // namespace storage
