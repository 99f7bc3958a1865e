using Automation.Server.Commands;

return await CommandLine.InvokeAsync(args);
