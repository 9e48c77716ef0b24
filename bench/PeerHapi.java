// Times HAPI's FhirInstanceValidator: java -cp JARS PeerHapi.java FOLDER PACKAGE.tgz... -> {name: microseconds}
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ValidationResult;
import java.io.FileInputStream;
import java.nio.file.*;
import java.util.*;
import org.hl7.fhir.common.hapi.validation.support.*;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.utilities.npm.NpmPackage;

public class PeerHapi {
  public static void main(String[] args) throws Exception {
    FhirContext context = FhirContext.forR4();
    PrePopulatedValidationSupport packages = new PrePopulatedValidationSupport(context);
    for (int n = 1; n < args.length; n++) {
      NpmPackage source = NpmPackage.fromPackage(new FileInputStream(args[n]));
      for (String type : List.of("StructureDefinition", "ValueSet", "CodeSystem")) {
        for (String name : source.listResources(type)) {
          try {
            IBaseResource resource = context.newJsonParser().parseResource(source.loadResource(name));
            packages.addResource(resource);
          } catch (RuntimeException error) {
            // a definition that HAPI cannot read is left out
          }
        }
      }
    }
    ValidationSupportChain chain = new ValidationSupportChain(
        new org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService(context),
        new ca.uhn.fhir.context.support.DefaultProfileValidationSupport(context),
        packages,
        new InMemoryTerminologyServerValidationSupport(context),
        new SnapshotGeneratingValidationSupport(context));
    FhirInstanceValidator module = new FhirInstanceValidator(new CachingValidationSupport(chain));
    module.setNoTerminologyChecks(true);
    module.setErrorForUnknownProfiles(false);
    FhirValidator validator = context.newValidator();
    validator.registerValidatorModule(module);
    java.lang.management.ThreadMXBean clock = java.lang.management.ManagementFactory.getThreadMXBean();
    StringBuilder found = new StringBuilder("{");
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Paths.get(args[0]), "*.json")) {
      for (Path file : files) {
        String text = Files.readString(file);
        ValidationResult result = null;
        for (int n = 0; n < 60; n++) result = validator.validateWithResult(text);
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
          long start = clock.getCurrentThreadCpuTime();
          for (int n = 0; n < 20; n++) validator.validateWithResult(text);
          best = Math.min(best, (clock.getCurrentThreadCpuTime() - start) / 20 / 1000.0);
        }
        if (!result.isSuccessful()) System.err.println(file.getFileName() + ": " + result.getMessages().size() + " messages");
        String name = file.getFileName().toString().replace(".json", "");
        found.append(found.length() > 1 ? "," : "").append('"').append(name).append("\":").append(best);
      }
    }
    System.out.println(found.append("}"));
  }
}
