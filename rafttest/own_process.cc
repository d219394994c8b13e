#include "rafttest/own_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rafttest {
namespace {

void WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // Nobody is left to read it.
    text.remove_prefix(written);
  }
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, got);
  }
}

// What the child does: its report, or its last words, go into the pipe.
[[noreturn]] void RunTask(absl::FunctionRef<absl::Status()> task, int pipe_end) {
  dup2(pipe_end, STDERR_FILENO);
  const absl::Status done = task();
  WriteAll(pipe_end, done.message());
  _exit(done.ok() ? 0 : 1);
}

}  // namespace

absl::Status InOwnProcess(absl::FunctionRef<absl::Status()> task) {
  int ends[2];
  if (pipe(ends) != 0) return absl::UnavailableError(absl::StrCat("pipe: ", strerror(errno)));
  fflush(nullptr);  // Or the child would print what is buffered once more.
  const pid_t child = fork();
  if (child < 0) return absl::UnavailableError(absl::StrCat("fork: ", strerror(errno)));
  if (child == 0) {
    close(ends[0]);
    RunTask(task, ends[1]);
  }
  close(ends[1]);
  const std::string report = ReadAll(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  if (WIFEXITED(status)) return absl::UnknownError(report);
  return absl::InternalError(absl::StrCat("died of signal ", WTERMSIG(status), " (",
                                          strsignal(WTERMSIG(status)), "):\n", report));
}

}  // namespace rafttest
