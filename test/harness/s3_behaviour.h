// What a scripted S3 server may do instead of answering well: a table of named behaviours, so that
// a test can play one or loop over all.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/s3_exchange.h"

namespace pgstow::test {

struct Behaviour {
  // Whether the server does what it was asked to; kWrongly: it says so and does something else.
  enum class Carried { kNo, kYes, kWrongly };

  std::string name;
  Carried carried = Carried::kNo;
  bool sound = false;        // odd, but allowed: a good client notices nothing, or tries again
  std::set<Operation> only;  // where it means something; empty: everywhere but kOther
  std::function<void(S3Exchange&)> act;

  bool fits(Operation operation) const;
};

// All of them; names are unique.
const std::vector<Behaviour>& behaviours();
// Throws Error when there is none of that name.
const Behaviour& behaviour(std::string_view name);

// Not carried out, and this reply instead.
Behaviour replying(std::string name, S3Reply reply, std::set<Operation> only = {});

// The parts of the table: see the files of these names.
std::vector<Behaviour> status_behaviours();
std::vector<Behaviour> connection_behaviours();
std::vector<Behaviour> body_behaviours();
std::vector<Behaviour> storage_behaviours();
std::vector<Behaviour> listing_behaviours();

}  // namespace pgstow::test
