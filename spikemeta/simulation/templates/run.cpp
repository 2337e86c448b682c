        {
            static volatile std::sig_atomic_t stop = 0;
            std::signal(SIGINT, [](int) { stop = 1; });
            std::signal(SIGTERM, [](int) { stop = 1; });
            const std::string folder = std::getenv("SPIKEMETA_PHASE");
            const int64_t block = std::atoll(std::getenv("SPIKEMETA_BLOCK"));
            int64_t total = std::atoll(std::getenv("SPIKEMETA_STEPS"));
            int64_t done = std::atoll(std::getenv("SPIKEMETA_FIRST"));
            const double limit = std::atof(std::getenv("SPIKEMETA_SECONDS")), dt = STEPS.dt[0];
            for (Clock* clock : {CLOCKS}) {  // one that a rounding puts just after the last step, which it was to begin: a step more
                const int64_t every = clock->dt[0]/dt + 0.5, last = total - 1;
                volatile const double there = last/every*clock->dt[0], here = last*dt;
                if (every > 1 && last % every == 0 && there - here > 1e-14) { total++; break; }
            }
            char* const generator = reinterpret_cast<char*>(&brian::_random_generators[0]);
            const size_t size = sizeof(brian::_random_generators[0]);
            if (done && !std::ifstream(folder + "/generator", std::ios::binary).read(generator, size)) std::exit(3);
            for (Clock* clock : {CLOCKS}) {
                clock->timestep[0] = (int64_t)(done*dt/clock->dt[0] + 0.5);
                clock->t[0] = clock->timestep[0]*clock->dt[0];
            }
            const auto began = std::chrono::steady_clock::now();
            while (done < total) {
                const int64_t next = total - done > block + 1 ? done + block : total;
                ADVANCE
                const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
                if (stop || elapsed.count() > limit) break;
            }
            std::ofstream(folder + "/generator", std::ios::binary).write(generator, size);
            std::ofstream(folder + "/position") << done << "\n";
        }
