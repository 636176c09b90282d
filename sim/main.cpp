#include "sim/search/program.hpp"

int main(int argc, char** argv) { return fanfold::sim::run_program(argc, argv); }
