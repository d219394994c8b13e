// Quoted(): bytes as a string literal.
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "raftpb/describe.h"
#include "raftpb/printable.h"

namespace raftpb {
namespace {

// A code point and the number of bytes that it takes; no bytes if they are not valid UTF-8.
struct CodePoint {
  char32_t value = 0;
  size_t length = 0;
};

// The smallest code point that needs so many bytes: what is written longer than that is not valid.
constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

size_t LengthFromFirstByte(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc0 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf8) return 4;
  return 0;
}

CodePoint FirstCodePoint(absl::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  const size_t length = LengthFromFirstByte(first);
  if (length == 0 || length > bytes.size()) return {};
  if (length == 1) return {first, 1};
  char32_t value = first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = value << 6 | (next & 0x3f);
  }
  const bool is_surrogate = value >= 0xd800 && value < 0xe000;
  if (value < kSmallest[length] || value > 0x10ffff || is_surrogate) return {};
  return {value, length};
}

// The escape that has a letter of its own, or nothing.
absl::string_view ShortEscape(char32_t c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\a': return "\\a";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\v': return "\\v";
    default: return "";
  }
}

void AppendEscaped(char32_t c, std::string& out) {
  const absl::string_view letter = ShortEscape(c);
  if (!letter.empty()) {
    absl::StrAppend(&out, letter);
  } else if (c < 0x80) {
    absl::StrAppendFormat(&out, "\\x%02x", static_cast<uint32_t>(c));
  } else if (c < 0x10000) {
    absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint32_t>(c));
  } else {
    absl::StrAppendFormat(&out, "\\U%08x", static_cast<uint32_t>(c));
  }
}

}  // namespace

std::string Quoted(absl::string_view bytes) {
  std::string out = "\"";
  while (!bytes.empty()) {
    const CodePoint c = FirstCodePoint(bytes);
    if (c.length == 0) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(bytes[0]));
      bytes.remove_prefix(1);
      continue;
    }
    if (IsPrintable(c.value) && c.value != '"' && c.value != '\\') {
      absl::StrAppend(&out, bytes.substr(0, c.length));
    } else {
      AppendEscaped(c.value, out);
    }
    bytes.remove_prefix(c.length);
  }
  out += '"';
  return out;
}

std::string Quoted(const absl::Cord& bytes) { return Quoted(std::string(bytes)); }

}  // namespace raftpb
