#include "rafttest/datadriven.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "rafttest/line_diff.h"

namespace rafttest {
namespace {

constexpr absl::string_view kFence = "----";
constexpr absl::string_view kScriptErrorUrl = "rafttest.ScriptError";

// One directive as it stands in the file. The pieces are verbatim, with their newlines: together
// with the expected output, and the piece after the last step, they are the file.
struct Step {
  absl::string_view before;  // Comments and blank lines.
  absl::string_view source;  // The directive and its input.
  Directive directive;
  std::string expected;  // Every line ended.
};

struct Script {
  std::vector<Step> steps;
  absl::string_view after;  // Comments and blank lines at the end.
};

// --- White space ---------------------------------------------------------------------------------

// The code points that count as white space, in UTF-8, as in the Unicode property of that name.
constexpr absl::string_view kWhiteSpace[] = {
    " ",
    "\t",
    "\n",
    "\v",
    "\f",
    "\r",
    "\xc2\x85",
    "\xc2\xa0",
    "\xe1\x9a\x80",
    "\xe2\x80\x80",
    "\xe2\x80\x81",
    "\xe2\x80\x82",
    "\xe2\x80\x83",
    "\xe2\x80\x84",
    "\xe2\x80\x85",
    "\xe2\x80\x86",
    "\xe2\x80\x87",
    "\xe2\x80\x88",
    "\xe2\x80\x89",
    "\xe2\x80\x8a",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xe2\x80\xaf",
    "\xe2\x81\x9f",
    "\xe3\x80\x80",
};

absl::string_view TrimStart(absl::string_view text) {
  const auto consume = [&text](absl::string_view space) {
    return absl::ConsumePrefix(&text, space);
  };
  while (std::any_of(std::begin(kWhiteSpace), std::end(kWhiteSpace), consume)) {
  }
  return text;
}

absl::string_view Trim(absl::string_view text) {
  const auto consume = [&text](absl::string_view space) {
    return absl::ConsumeSuffix(&text, space);
  };
  while (std::any_of(std::begin(kWhiteSpace), std::end(kWhiteSpace), consume)) {
  }
  return TrimStart(text);
}

bool IsBlank(absl::string_view line) { return Trim(line).empty(); }
bool IsComment(absl::string_view line) { return absl::StartsWith(TrimStart(line), "#"); }

// --- Arguments -----------------------------------------------------------------------------------

// Reads `key`, `key=value`, `key=(v1, v2)` from the front of a line.
class ArgumentParser {
 public:
  explicit ArgumentParser(absl::string_view text) : rest_(Trim(text)) {}

  bool AtEnd() const { return rest_.empty(); }

  absl::StatusOr<Argument> Next() {
    Argument argument;
    argument.key = std::string(TakeUntil(" ="));
    if (argument.key.empty()) return ScriptError(absl::StrCat("no key in front of: ", rest_));
    if (absl::ConsumePrefix(&rest_, "=(")) {
      if (absl::Status list = TakeList(argument.values); !list.ok()) return list;
    } else if (absl::ConsumePrefix(&rest_, "=")) {
      argument.values.emplace_back(TakeUntil(" "));
    }
    rest_ = TrimStart(rest_);
    return argument;
  }

 private:
  void SkipSpaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  absl::string_view TakeUntil(absl::string_view stops) {
    const size_t length = std::min(rest_.find_first_of(stops), rest_.size());
    const absl::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  // The values up to the closing parenthesis, which must end the argument.
  absl::Status TakeList(std::vector<std::string>& values) {
    int depth = 0;
    values.emplace_back();
    for (;;) {
      if (rest_.empty()) return ScriptError("a list without a closing parenthesis");
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == ')' && depth == 0) break;
      if (c == ',' && depth == 0) {
        values.emplace_back();
        SkipSpaces();
        continue;
      }
      if (c == '(') ++depth;
      if (c == ')') --depth;
      values.back().push_back(c);
    }
    if (!rest_.empty() && rest_.front() != ' ') {
      return ScriptError(absl::StrCat("no space after a list, but: ", rest_));
    }
    return absl::OkStatus();
  }

  absl::string_view rest_;
};

// --- Files ---------------------------------------------------------------------------------------

// Goes through a text line by line, and hands out verbatim what lies between two positions.
class LineReader {
 public:
  explicit LineReader(absl::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ >= text_.size(); }
  int line_number() const { return line_number_; }  // Of the next line, counted from 1.
  size_t position() const { return at_; }
  absl::string_view Since(size_t position) const { return text_.substr(position, at_ - position); }

  // The next line, without its newline. Empty at the end.
  absl::string_view Peek() const {
    return text_.substr(at_, std::min(text_.find('\n', at_), text_.size()) - at_);
  }
  absl::string_view Take() {
    const absl::string_view line = Peek();
    at_ = std::min(at_ + line.size() + 1, text_.size());
    ++line_number_;
    return line;
  }

 private:
  absl::string_view text_;
  size_t at_ = 0;
  int line_number_ = 1;
};

// The line of a directive with those that continue it.
std::string TakeDirectiveLine(LineReader& reader) {
  std::string line(Trim(reader.Take()));
  while (absl::EndsWith(line, "\\") && !reader.AtEnd()) {
    line.back() = ' ';
    absl::StrAppend(&line, Trim(reader.Take()));
  }
  return line;
}

absl::StatusOr<std::string> TakeInput(LineReader& reader) {
  std::vector<absl::string_view> lines;
  while (reader.Peek() != kFence) {
    if (reader.AtEnd()) return ScriptError("a directive without ---- after it");
    lines.push_back(reader.Take());
  }
  return std::string(Trim(absl::StrJoin(lines, "\n")));
}

// What follows the ---- after a directive.
absl::StatusOr<std::string> TakeExpected(LineReader& reader) {
  std::string expected;
  if (reader.Peek() != kFence) {
    while (!reader.AtEnd() && !IsBlank(reader.Peek())) {
      absl::StrAppend(&expected, reader.Take(), "\n");
    }
    return expected;
  }
  reader.Take();
  while (!reader.AtEnd()) {
    const absl::string_view line = reader.Take();
    if (line == kFence && reader.Peek() == kFence) {
      reader.Take();
      if (IsBlank(reader.Peek())) return expected;
      return ScriptError("no blank line after the second pair of ----");
    }
    absl::StrAppend(&expected, line, "\n");
  }
  return ScriptError("output between pairs of ---- does not end");
}

absl::Status AtLine(absl::string_view name, int line, absl::string_view what) {
  return ScriptError(absl::StrCat(name, ":", line, ": ", what));
}

absl::Status TakeStep(LineReader& reader, Step& step) {
  const size_t start = reader.position();
  const int line = reader.line_number();
  absl::StatusOr<Directive> directive = ParseDirective(TakeDirectiveLine(reader));
  if (!directive.ok()) return directive.status();
  absl::StatusOr<std::string> input = TakeInput(reader);
  if (!input.ok()) return input.status();
  step.source = reader.Since(start);
  step.directive = *std::move(directive);
  step.directive.input = *std::move(input);
  step.directive.line = line;
  reader.Take();  // The fence.
  absl::StatusOr<std::string> expected = TakeExpected(reader);
  if (!expected.ok()) return expected.status();
  step.expected = *std::move(expected);
  return absl::OkStatus();
}

absl::StatusOr<Script> ParseScript(absl::string_view name, absl::string_view text) {
  Script script;
  LineReader reader(text);
  size_t start = 0;
  while (!reader.AtEnd()) {
    if (IsBlank(reader.Peek()) || IsComment(reader.Peek())) {
      reader.Take();
      continue;
    }
    Step step{.before = reader.Since(start)};
    const int line = reader.line_number();
    if (absl::Status taken = TakeStep(reader, step); !taken.ok()) {
      return AtLine(name, line, taken.message());
    }
    script.steps.push_back(std::move(step));
    start = reader.position();
  }
  script.after = reader.Since(start);
  return script;
}

// The output of a directive, its last line ended.
absl::StatusOr<std::string> Execute(absl::string_view name, const Directive& directive,
                                    DirectiveHandler handler) {
  absl::StatusOr<std::string> output = handler(directive);
  if (!output.ok()) {
    return AtLine(name, directive.line,
                  absl::StrCat(directive.command, ": ", output.status().message()));
  }
  if (!output->empty() && !absl::EndsWith(*output, "\n")) output->push_back('\n');
  return output;
}

// As it has to stand after the ---- of the directive.
std::string Fenced(absl::string_view output) {
  const bool has_blank_line = absl::StartsWith(output, "\n") || absl::StrContains(output, "\n\n");
  if (!has_blank_line) return std::string(output);
  return absl::StrCat(kFence, "\n", output, kFence, "\n", kFence, "\n");
}

}  // namespace

const Argument* Directive::Find(absl::string_view key) const {
  auto found = std::find_if(arguments.begin(), arguments.end(),
                            [key](const Argument& argument) { return argument.key == key; });
  return found == arguments.end() ? nullptr : &*found;
}

absl::Status ScriptError(absl::string_view what) {
  absl::Status status = absl::InvalidArgumentError(what);
  status.SetPayload(kScriptErrorUrl, absl::Cord());
  return status;
}

bool IsScriptError(const absl::Status& status) {
  return !status.ok() && status.GetPayload(kScriptErrorUrl).has_value();
}

absl::StatusOr<Directive> ParseDirective(absl::string_view line) {
  line = Trim(line);
  Directive directive;
  const size_t length = std::min(line.find(' '), line.size());
  directive.command = std::string(line.substr(0, length));
  ArgumentParser parser(line.substr(length));
  while (!parser.AtEnd()) {
    absl::StatusOr<Argument> argument = parser.Next();
    if (!argument.ok()) return argument.status();
    directive.arguments.push_back(*std::move(argument));
  }
  return directive;
}

absl::Status RunScript(absl::string_view name, absl::string_view text, DirectiveHandler handler) {
  absl::StatusOr<Script> script = ParseScript(name, text);
  if (!script.ok()) return script.status();
  for (const Step& step : script->steps) {
    absl::StatusOr<std::string> output = Execute(name, step.directive, handler);
    if (!output.ok()) return output.status();
    if (*output == step.expected) continue;
    return AtLine(name, step.directive.line,
                  absl::StrCat("the output is not as expected (- expected, + got):\n",
                               Trim(step.source), "\n", LineDiff(step.expected, *output)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RewriteScript(absl::string_view name, absl::string_view text,
                                          DirectiveHandler handler) {
  absl::StatusOr<Script> script = ParseScript(name, text);
  if (!script.ok()) return script.status();
  std::string rewritten;
  for (const Step& step : script->steps) {
    absl::StatusOr<std::string> output = Execute(name, step.directive, handler);
    if (!output.ok()) return output.status();
    absl::StrAppend(&rewritten, step.before, step.source, kFence, "\n", Fenced(*output));
  }
  absl::StrAppend(&rewritten, script->after);
  return rewritten;
}

}  // namespace rafttest
