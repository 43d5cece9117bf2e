#include "pg/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kCheckViolation = "23514";  // SQLSTATE

std::string name_of(const TocEntry& entry) {
  return printable(entry.schema ? *entry.schema + "." + entry.tag : entry.tag);
}

// What failed, and what the user can do about it.
[[noreturn]] void rethrow_for(const TocEntry& entry) {
  try {
    throw;
  } catch (const ServerError& e) {
    const bool check = e.sqlstate() == kCheckViolation && e.hint().empty();
    throw ServerError(
        fmt::format("loading {}: {}", name_of(entry), e.what()), e.sqlstate(),
        check ? "a check that looks into other tables needs their rows first: --jobs 1 loads the "
                "tables one after the other, in the archive's order"
              : e.hint());
  } catch (Error& e) {
    e.within("loading " + name_of(entry));
    throw;
  }
}

std::string array_of(const std::vector<ObjectPart>& parts, std::string (*item)(const ObjectPart&)) {
  std::string text = "{";
  for (const ObjectPart& part : parts) {
    if (text.size() > 1) text += ',';
    text += item(part);
  }
  return text + "}";
}

}  // namespace

void prepare_loading(Connection& session, const ArchiveHeader& archive) {
  forbid_timeouts(session);
  session.query(
      "set default_transaction_read_only = off; set check_function_bodies = false; "
      "set xmloption = content; set client_min_messages = warning; set row_security = off");
  for (const TocEntry& entry : archive.toc) {
    const bool ours = entry.desc == "ENCODING" || entry.desc == "STDSTRINGS";
    if (ours && entry.defn) session.query(*entry.defn);
  }
}

Loader::Loader(Connection session, std::chrono::milliseconds stall, const ValueForms& forms)
    : session_(std::move(session)), stall_(stall), forms_(forms) {}

void Loader::load(const Piece& piece) {
  const TocEntry& entry = *piece.entry;
  if (copying_ != &entry) end();
  const std::optional<BinaryRows> binary = in_binary(entry, piece.text);
  try {
    if (!piece.objects.empty()) return load_objects(piece.objects);
    if (copying_ == nullptr) begin(entry);
    session_.copy_in(binary ? binary->bytes : piece.text, stall_);
    rows_ +=
        binary ? binary->count : static_cast<std::uint64_t>(std::ranges::count(piece.text, '\n'));
  } catch (const Error&) {
    copying_ = nullptr;
    rows_ = 0;
    rethrow_for(entry);
  }
}

// A COPY of text is not left again for a binary one: each of them is a transaction.
std::optional<BinaryRows> Loader::in_binary(const TocEntry& entry, std::string_view text) {
  if (copying_ == nullptr) {
    const auto forms = forms_.find(entry.dump_id);
    binary_.reset();
    if (forms != forms_.end()) binary_.emplace(forms->second);
  }
  if (!binary_) return std::nullopt;
  const std::optional<BinaryRows> rows = binary_->convert(text);
  if (!rows) {
    end();
    binary_.reset();  // if nothing had begun
  }
  return rows;
}

void Loader::begin(const TocEntry& entry) {
  if (binary_) {
    const CopyTarget target = parse_copy(*entry.copy);
    session_.begin_copy_in(
        fmt::format("COPY {} ({}) FROM stdin (FORMAT binary)", target.relation, target.columns),
        stall_);
    session_.copy_in(kBinaryCopyBegin, stall_);
  } else {
    session_.begin_copy_in(*entry.copy, stall_);
  }
  copying_ = &entry;
}

void Loader::end() {
  if (copying_ == nullptr) return;
  const TocEntry& entry = *std::exchange(copying_, nullptr);
  const std::uint64_t sent = std::exchange(rows_, 0);
  try {
    if (binary_) session_.copy_in(kBinaryCopyEnd, stall_);
    const std::uint64_t taken = session_.end_copy_in(stall_);
    binary_.reset();
    if (taken != sent) throw Error(fmt::format("the server took {} rows of {}", taken, sent));
  } catch (const Error&) {
    rethrow_for(entry);
  }
}

void Loader::load_objects(const std::vector<ObjectPart>& objects) {
  session_.query_within(
      stall_,
      "select pg_catalog.count(pg_catalog.lo_put(part.oid, part.start, part.contents)) from "
      "rows from (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::bigint[]), "
      "pg_catalog.unnest($3::bytea[])) as part(oid, start, contents)",
      {array_of(objects, [](const ObjectPart& p) { return std::to_string(p.oid); }),
       array_of(objects, [](const ObjectPart& p) { return std::to_string(p.offset); }),
       array_of(objects, [](const ObjectPart& p) { return "\"\\\\x" + hex(p.contents) + '"'; })});
}

}  // namespace pgstow::pg
