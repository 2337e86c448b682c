NETWORK.t = done*dt; NETWORK.run((next - done)*dt, NULL, 10.0); done = next;
