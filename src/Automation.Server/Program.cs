using Automation.Server;

return await Serve.RunAsync(args);
