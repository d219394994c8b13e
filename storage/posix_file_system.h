// Files of the operating system.
#ifndef RAFT_STORAGE_POSIX_FILE_SYSTEM_H_
#define RAFT_STORAGE_POSIX_FILE_SYSTEM_H_

#include "storage/file_system.h"

namespace storage {

// The one file system of this process. Thread-safe, and lives as long as the process.
//
// pwritev and pread; fallocate, or writing zeros where the file system has no such thing; fdatasync
// for files, fsync for directories; O_DIRECT for OpenMode::kReadDirect, with O_DSYNC for
// File::WriteDurably, and the calls before where that is refused. Locks are those of open file
// descriptions: they also exclude other threads of this process, and vanish with the process.
FileSystem& PosixFileSystem();

}  // namespace storage

#endif  // RAFT_STORAGE_POSIX_FILE_SYSTEM_H_
