#include "storage/file_system.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/errors.h"

namespace storage {

namespace {

constexpr absl::string_view kInterruptedUrl = "raft.storage/interrupted";

// Drops the pieces that are within the first `written` bytes; returns how much of the next is, too.
size_t DropWhole(absl::Span<const absl::string_view>& pieces, size_t written) {
  while (!pieces.empty() && written >= pieces.front().size()) {
    written -= pieces.front().size();
    pieces.remove_prefix(1);
  }
  return written;
}

}  // namespace

absl::Status Interrupted() {
  absl::Status status = absl::UnavailableError("interrupted before anything was done");
  status.SetPayload(kInterruptedUrl, absl::Cord());
  return status;
}

bool IsInterrupted(const absl::Status& status) {
  return !status.ok() && status.GetPayload(kInterruptedUrl).has_value();
}

absl::Status File::WriteDurably(uint64_t offset, absl::Span<const absl::string_view> pieces) {
  if (absl::Status s = WriteFully(*this, offset, pieces); !s.ok()) return s;
  return Sync();
}

absl::Status WriteFully(File& file, uint64_t offset, absl::Span<const absl::string_view> pieces) {
  size_t done = DropWhole(pieces, 0);  // Of the first piece.
  while (!pieces.empty()) {
    const absl::string_view rest = pieces.front().substr(done);
    const absl::StatusOr<size_t> written =
        file.Write(offset, done > 0 ? absl::MakeSpan(&rest, 1) : pieces);
    if (!written.ok()) {
      if (IsInterrupted(written.status())) continue;
      return written.status();
    }
    if (*written == 0) return IoError("", "a write made no progress");
    offset += *written;
    done = DropWhole(pieces, done + *written);
    if (pieces.empty() && done > 0)
      return IoError("", "a write says it wrote more than it was given");
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> ReadFully(const File& file, uint64_t offset, char* into, size_t size) {
  size_t done = 0;
  while (done < size) {
    const absl::StatusOr<size_t> read = file.Read(offset + done, into + done, size - done);
    if (!read.ok()) {
      if (IsInterrupted(read.status())) continue;
      return read.status();
    }
    if (*read == 0) break;
    done += *read;
  }
  return done;
}

absl::Status CreateDirectories(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<bool> exists = Exists(fs, path);
  if (!exists.ok()) return exists.status();
  const size_t slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
  if (!*exists) {
    if (slash != std::string::npos && slash != 0) {
      if (absl::Status made = CreateDirectories(fs, parent); !made.ok()) return made;
    }
    if (absl::Status made = fs.CreateDirectory(path); !made.ok()) return made;
  }
  // Also of what is there: who made it may have died, or seen an error, before its name was
  // durable.
  return fs.SyncDirectory(parent.empty() ? "/" : parent);
}

absl::StatusOr<bool> Exists(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (file.ok()) return true;
  if (absl::IsNotFound(file.status())) return false;
  return file.status();
}

std::string JoinPath(absl::string_view directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

}  // namespace storage
