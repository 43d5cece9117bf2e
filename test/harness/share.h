// A part of many cases that are alike.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

namespace pgstow::test {

// Every `of`-th of the cases, from a first one by chance, which is printed; all where the
// environment has PGSTOW_EVERY_CASE, as in `./check --all`.
template <class Case>
std::vector<Case> share_of(const std::vector<Case>& all, std::size_t of) {
  if (std::getenv("PGSTOW_EVERY_CASE") != nullptr) return all;
  const std::size_t first = std::random_device()() % of;
  std::cout << "one of every " << of << " of " << all.size() << " cases, from number " << first
            << "\n";
  std::vector<Case> share;
  for (std::size_t i = first; i < all.size(); i += of) share.push_back(all[i]);
  return share;
}

}  // namespace pgstow::test
