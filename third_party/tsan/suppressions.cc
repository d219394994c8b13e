// Races that ThreadSanitizer may not report. One line per library that it cannot see through; no
// code of this repository ever has a line here.

// Read by the ThreadSanitizer runtime; the format is that of a suppressions file.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return
      // gRPC hands buffers between its threads through atomics that are not instrumented. A report
      // has such a frame only when the library itself freed, copied or sent the memory in question:
      // callbacks into instrumented code are checked as always.
      "race:libgrpc.so\n"
      "race:libgrpc++.so\n"
      "race:libgpr.so\n";
}
