#include "cli/several.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace pgstow::cli {
namespace {

// Where there is one database, its name is in the connection.
void refuse_needless_name(const Session& session) {
  if (session.config.databases || session.arguments.database.empty()) return;
  throw ConfigError("--database picks one of BACKUP_DATABASES, which is not set",
                    "the database is that of DATABASE_URL or PGDATABASE, or --url");
}

void print_answer(const Session& session, const Answer& answer) {
  print(session.arguments.json ? pretty(answer.json) + "\n" : answer.text);
}

Answer failure(const Session& session, const std::string& database, const Error& e) {
  Facts facts{{"database", database}, {"cause", e.what()}};
  if (!e.hint().empty()) facts.emplace_back("hint", e.hint());
  session.context.log.error("failed for a database", facts);
  return {.text = "failed\n",
          .json = {{"error", session.context.log.redacted(e.what())}},
          .exit_code = e.exit_code()};
}

Answer ask_of(const Session& session, Ask ask, const std::string& database) {
  try {
    const OneOfSeveral one(session, database);
    return ask(one.session());
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    return failure(session, database, e);
  }
}

}  // namespace

bool is_about_several(const Session& session) {
  refuse_needless_name(session);
  return session.config.databases && session.arguments.database.empty();
}

std::vector<std::string> with_backups(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  const StoredDatabases stored = stored_databases(stores, session.context);
  if (!stored.names.empty()) return stored.names;
  std::vector<std::string> places;
  for (const Store* store : stores.all()) places.push_back(printable(store->location("")));
  if (!stored.failures.empty()) throw Error("the stores could not be read");
  throw NotFound("No backups found in the folders of databases in " + join(places, ", "),
                 "make some with `pgstow backup`");
}

std::vector<std::string> on_server(const Session& session) {
  return databases_to_back_up(session.config, session.context);
}

int exit_code_of(const std::vector<int>& codes) {
  constexpr int kDamaged = static_cast<int>(Exit::kDamaged);
  constexpr int kWarnings = static_cast<int>(Exit::kWarnings);
  if (std::ranges::find(codes, kDamaged) != codes.end()) return kDamaged;
  const bool all_bad =
      std::ranges::all_of(codes, [](int code) { return code != 0 && code != kWarnings; });
  if (all_bad && !codes.empty()) return codes.front();
  return std::ranges::all_of(codes, [](int code) { return code == 0; }) ? 0 : kWarnings;
}

int answer(const Session& session, Ask ask, const Which& which) {
  if (!is_about_several(session)) {
    const std::string& named = session.arguments.database;
    if (named.empty()) {
      const Answer one = ask(session);
      print_answer(session, one);
      return one.exit_code;
    }
    const OneOfSeveral one(session, named);
    const Answer said = ask(one.session());
    print_answer(session, said);
    return said.exit_code;
  }
  std::vector<int> codes;
  boost::json::array all;
  for (const std::string& database : which(session)) {
    Answer one = ask_of(session, ask, database);
    codes.push_back(one.exit_code);
    if (session.arguments.json) {
      one.json["of_database"] = database;
      all.push_back(std::move(one.json));
    } else {
      print(fmt::format("{}{}:\n{}", codes.size() > 1 ? "\n" : "", printable(database), one.text));
    }
  }
  if (session.arguments.json) {
    print(pretty(boost::json::object{{"schema", "pgstow.databases/1"}, {"databases", all}}) + "\n");
  }
  return exit_code_of(codes);
}

int for_one(const Session& session, int (*command)(const Session&)) {
  if (is_about_several(session)) {
    const Stores stores = make_stores(session.config.stores, session.context);
    std::vector<std::string> names;
    for (const std::string& name : stored_databases(stores, session.context).names) {
      names.push_back(printable(name));
    }
    throw ConfigError(
        "several databases are configured (BACKUP_DATABASES): which one is meant?",
        "name it with --database" +
            (names.empty() ? std::string() : "; there are backups of " + join(names, ", ")));
  }
  if (session.arguments.database.empty()) return command(session);
  const OneOfSeveral one(session, session.arguments.database);
  return command(one.session());
}

}  // namespace pgstow::cli
